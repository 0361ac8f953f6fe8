//! A question that an operation asks while it is tried: shown, and answered if somebody is there.

use orgata_engine::ports::Question;
use orgata_engine::question_view;
use orgata_model::schema::Schema;
use owo_colors::OwoColorize as _;
use serde_json::Value;

use super::signature::signature;
use crate::answers::Answers;

/// Shows the question.
pub(super) fn show(question: &Question) {
    anstream::println!("    {} asks: {}", "?".yellow(), question.prompt.bold());
    if !question.options.is_empty() {
        println!("      options  {}", question.options.join(", "));
    }
    if let Some(schema) = &question.response_schema {
        println!("      answer   {}", signature(schema));
    }
}

/// An answer that fits, from whoever sits at this terminal; `None` when nobody does.
pub(super) async fn answered(question: &Question) -> anyhow::Result<Option<Value>> {
    let answers = Answers::from(None)?;
    if !matches!(answers, Answers::Terminal) {
        return Ok(None);
    }
    show(question);
    let schema = question.response_schema.as_ref().map(Schema::compile).transpose()?;
    loop {
        let answer = answers.answer("test", &question_view(question)).await?;
        match schema.as_ref().map_or(Ok(()), |schema| schema.check(&answer)) {
            Ok(()) => return Ok(Some(answer)),
            Err(violations) => {
                for violation in violations {
                    anstream::eprintln!("  {} {}", violation.pointer, violation.message);
                }
            }
        }
    }
}

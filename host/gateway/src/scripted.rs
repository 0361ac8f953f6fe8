//! Nobody: answers that were written down beforehand, for tests and for trying things out.

use orgata_engine::ports::{ModelAnswer, ModelError, ModelRequest};
use orgata_model::sampling::{Answers, ModelSource};

/// The model's name where the runtime gives it none.
const NAME: &str = "scripted";

pub(crate) fn sample(source: &ModelSource, request: &ModelRequest) -> Result<ModelAnswer, ModelError> {
    let Answers::Listed(answers) = &source.answers else {
        return Err(ModelError::Scripted("nobody read the file of answers".to_owned()));
    };
    let at = usize::try_from(request.number).unwrap_or(usize::MAX);
    let answer = answers.get(at).or(answers.last());
    let answer = answer.ok_or_else(|| ModelError::Scripted("the script has no answer".to_owned()))?;
    match (&answer.content, &answer.error) {
        (Some(content), _) => Ok(ModelAnswer {
            content: content.clone(),
            model: source.model.clone().unwrap_or_else(|| NAME.to_owned()),
            input_tokens: answer.input_tokens,
            output_tokens: answer.output_tokens,
        }),
        (None, error) => Err(ModelError::Scripted(error.clone().unwrap_or_default())),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn answers_come_in_their_order_and_the_last_one_again() {
        let source: ModelSource = serde_json::from_value(json!({
            "provider": "scripted",
            "answers": [{ "content": "one", "inputTokens": 3 }, { "error": "busy" }, { "content": "last" }],
        }))
        .unwrap();
        let said = |number| {
            let request = ModelRequest { messages: Vec::new(), max_tokens: 1, response_schema: None, number };
            sample(&source, &request).map(|answer| (answer.content, answer.input_tokens))
        };
        assert_eq!(said(0), Ok(("one".to_owned(), 3)));
        assert_eq!(said(1), Err(ModelError::Scripted("busy".to_owned())));
        assert_eq!(said(2), Ok(("last".to_owned(), 0)));
        assert_eq!(said(7), Ok(("last".to_owned(), 0)));
    }
}

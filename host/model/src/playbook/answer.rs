//! What an answer must look like when the author gave no schema.
//!
//! `options: [grape, strawberry]` alone does not say whether an answer is `"grape"` or
//! `{ jelly_flavor: grape }`. What other steps read of it does: `$steps.choose-jelly.result.jelly_flavor`.
//! So clients get a schema to build a form from, and a wrong answer is refused while the question is open.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::expression::StepUse;
use crate::ids::StepName;

/// The schema of the answers to a question, from its kind, its options and what is read of them.
pub(super) fn schema(
    kind: &str,
    options: &[String],
    step: &StepName,
    uses: &BTreeSet<StepUse>,
) -> Option<Value> {
    if options.is_empty() {
        return None;
    }
    let choice = json!({ "enum": options });
    if kind == "approval" {
        return Some(json!({
            "type": "object",
            "properties": { "decision": choice, "reason": { "type": "string" } },
            "required": ["decision"],
        }));
    }
    let of_this = || uses.iter().filter(|used| used.step == *step);
    let fields: BTreeSet<&str> = of_this().filter_map(|used| used.field.as_deref()).collect();
    match (fields.len(), fields.first()) {
        // The whole answer is read, if anything.
        (0, _) => Some(choice),
        (1, Some(field)) => Some(json!({
            "type": "object", "properties": { *field: choice }, "required": [field],
        })),
        // Which of the fields holds the choice, only the author knows.
        _ => Some(json!({ "type": "object", "required": fields })),
    }
}

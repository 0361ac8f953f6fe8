//! Whether an answer fits its question.

use orgata_model::intervention::{Intervention, Origin};
use orgata_model::schema::{Schema, Violation};
use serde_json::{Value, json};

use crate::error::EngineError;

/// Largest answer, in bytes of JSON.
const MAX_BYTES: usize = 256 * 1024;

/// Checks an answer against everything that its question says.
pub(crate) fn check(question: &Intervention, response: &Value) -> Result<(), EngineError> {
    let mismatch = |violations| Err(EngineError::Mismatch { what: "response", violations });
    let size = response.to_string().len();
    if size > MAX_BYTES {
        return mismatch(vec![whole(format!("it is {size} bytes long, {MAX_BYTES} at most"))]);
    }
    if let Some(schema) = &question.response_schema {
        let schema = Schema::compile(schema).map_err(|error| EngineError::Internal(error.to_string()))?;
        return schema.check(response).or_else(mismatch);
    }
    if question.options.is_empty() || chosen(&question.options, response) {
        return Ok(());
    }
    mismatch(vec![whole(format!("choose one of: {}", question.options.join(", ")))])
}

fn whole(message: String) -> Violation {
    Violation { pointer: String::new(), message }
}

/// Whether an answer without a schema names one of the options: by itself, or in one of its fields.
fn chosen(options: &[String], response: &Value) -> bool {
    let is_option = |value: &Value| value.as_str().is_some_and(|text| options.iter().any(|option| option == text));
    match response {
        Value::Object(fields) => fields.values().any(is_option),
        other => is_option(other),
    }
}

/// What an operator may say of a step that was cut off.
pub(crate) fn interrupted_schema() -> Value {
    json!({
        "type": "object",
        "properties": {
            "decision": { "enum": ["retry", "complete", "fail"] },
            "result": { "description": "the step's result, when the decision is `complete`" },
        },
        "required": ["decision"],
        "additionalProperties": false,
    })
}

/// The options that go with [`interrupted_schema`], for an intervention of that origin.
pub(crate) fn interrupted_options() -> (Vec<String>, Origin) {
    (["retry", "complete", "fail"].map(str::to_owned).to_vec(), Origin::Interrupted)
}

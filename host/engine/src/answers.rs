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
    let is_option =
        |value: &Value| value.as_str().is_some_and(|text| options.iter().any(|option| option == text));
    match response {
        Value::Object(fields) => fields.values().any(is_option),
        other => is_option(other),
    }
}

/// What an operator may say of a step that was cut off; `output` is the schema of its operation's results.
pub(crate) fn interrupted_schema(output: Option<&Value>) -> Value {
    let fitting = output.map(|output| interrupted(own_document(output)));
    let fitting = fitting.filter(|schema| Schema::compile(schema).is_ok());
    // An operation's schema that does not fit into another is not worth a question that nobody can answer.
    fitting.unwrap_or_else(|| interrupted(json!({})))
}

fn interrupted(mut result: Value) -> Value {
    if let Some(result) = result.as_object_mut() {
        let words = json!("the step's result, when the decision is `complete`");
        result.entry("description").or_insert(words);
    }
    json!({
        "type": "object",
        "properties": {
            "decision": { "enum": ["retry", "complete", "fail"] },
            "result": result,
        },
        "required": ["decision"],
        "additionalProperties": false,
        "if": { "properties": { "decision": { "const": "complete" } } },
        "then": { "required": ["decision", "result"] },
    })
}

/// A schema inside of another: with an id of its own, its references lead into itself.
fn own_document(schema: &Value) -> Value {
    let mut schema = schema.clone();
    if let Some(schema) = schema.as_object_mut() {
        schema.entry("$id").or_insert_with(|| json!("urn:orgata:output"));
    }
    schema
}

/// The options that go with [`interrupted_schema`], for an intervention of that origin.
pub(crate) fn interrupted_options() -> (Vec<String>, Origin) {
    (["retry", "complete", "fail"].map(str::to_owned).to_vec(), Origin::Interrupted)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fits(schema: &Value, answer: Value) -> bool {
        Schema::compile(schema).unwrap().check(&answer).is_ok()
    }

    #[test]
    fn what_completes_a_step_fits_its_operation() {
        let output = json!({
            "type": "object",
            "properties": { "sent": { "$ref": "#/$defs/yes" } },
            "required": ["sent"],
            "$defs": { "yes": { "const": true } },
        });
        let schema = interrupted_schema(Some(&output));
        assert!(fits(&schema, json!({ "decision": "complete", "result": { "sent": true } })));
        assert!(!fits(&schema, json!({ "decision": "complete", "result": { "sent": false } })));
        assert!(!fits(&schema, json!({ "decision": "complete" })));
        assert!(fits(&schema, json!({ "decision": "retry" })));
        assert!(!fits(&schema, json!({ "decision": "later" })));
    }

    #[test]
    fn a_schema_that_cannot_be_put_into_another_leaves_the_question_answerable() {
        let strange = json!({ "$id": "urn:x", "$ref": "urn:y" });
        for output in [None, Some(&strange), Some(&json!(true))] {
            let schema = interrupted_schema(output);
            assert!(fits(&schema, json!({ "decision": "complete", "result": 7 })), "{schema}");
            assert!(!fits(&schema, json!({ "decision": "complete" })));
        }
    }
}

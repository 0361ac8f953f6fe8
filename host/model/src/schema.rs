//! JSON Schema 2020-12: compiled once, checked often.
//!
//! References to other documents are never fetched: a schema that has one does not compile.

use jsonschema::error::ValidationErrorKind;
use jsonschema::{Draft, ReferencingError, ValidationError, Validator};
use serde::Serialize;
use serde_json::Value;

/// At most so many violations are told of one value.
const MAX_VIOLATIONS: usize = 20;

/// A compiled schema.
#[derive(Debug)]
pub struct Schema(Validator);

/// A text that is not a JSON Schema.
#[derive(Debug, Clone, thiserror::Error)]
#[error("not a valid JSON Schema: {0}")]
pub struct SchemaError(String);

/// One way in which a value does not satisfy a schema.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Violation {
    /// JSON pointer to the part of the value at fault; empty for the whole.
    pub pointer: String,
    /// What is wrong with it.
    pub message: String,
}

impl Schema {
    /// Compiles a schema.
    pub fn compile(schema: &Value) -> Result<Self, SchemaError> {
        if !matches!(schema, Value::Object(_) | Value::Bool(_)) {
            return Err(SchemaError("it must be an object or a boolean".to_owned()));
        }
        jsonschema::options()
            .with_draft(Draft::Draft202012)
            .build(schema)
            .map(Self)
            .map_err(|error| SchemaError(wrong_schema(&error)))
    }

    /// Says every way in which `value` does not fit, twenty at most.
    pub fn check(&self, value: &Value) -> Result<(), Vec<Violation>> {
        if self.0.is_valid(value) {
            return Ok(());
        }
        let violations = self.0.iter_errors(value).take(MAX_VIOLATIONS);
        Err(violations
            .map(|error| Violation {
                pointer: error.instance_path().to_string(),
                message: shortened(&error.to_string()),
            })
            .collect())
    }
}

/// What is wrong with a schema, and where in it.
fn wrong_schema(error: &ValidationError<'_>) -> String {
    let path = error.instance_path().to_string();
    let message = match error.kind() {
        ValidationErrorKind::Referencing(ReferencingError::Unretrievable { uri, .. }) => {
            return format!("it refers to `{uri}`, another document: write that out under `$defs`");
        }
        ValidationErrorKind::Referencing(error) => return format!("a reference leads nowhere: {error}"),
        // The schema of schemas says it in four alternatives.
        ValidationErrorKind::AnyOf { .. } if path.ends_with("/type") => {
            let types = "array, boolean, integer, null, number, object, string";
            format!("{} is not a type; there are: {types}", shortened(&error.instance().to_string()))
        }
        _ => shortened(&error.to_string()),
    };
    if path.is_empty() { message } else { format!("at {path}: {message}") }
}

/// The checker quotes the value at fault, which may be large.
fn shortened(message: &str) -> String {
    const MAX: usize = 300;
    match message.char_indices().nth(MAX) {
        None => message.to_owned(),
        Some((end, _)) => format!("{}…", message.get(..end).unwrap_or_default()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_violation_says_where() {
        let schema = Schema::compile(&json!({
            "type": "object", "properties": { "n": { "type": "integer" } }, "required": ["n"]
        }))
        .unwrap();
        assert!(schema.check(&json!({ "n": 1 })).is_ok());
        let violations = schema.check(&json!({ "n": "x" })).unwrap_err();
        assert_eq!(violations[0].pointer, "/n");
    }

    #[test]
    fn a_reference_to_elsewhere_is_not_fetched() {
        assert!(Schema::compile(&json!({ "$ref": "http://127.0.0.1:1/x.json" })).is_err());
        assert!(Schema::compile(&json!({ "$ref": "file:///etc/passwd" })).is_err());
    }
}

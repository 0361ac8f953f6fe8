//! Reading the host's JSON. What is not there reads as null: an older host may not say it.

use serde_json::Value;

/// A JSON value that is read by name.
pub(crate) trait Parts {
    /// The field of this name; null where there is none, or where this is no object.
    fn part(&self, name: &str) -> &Value;

    /// Its items; none where this is no array.
    fn items(&self) -> impl Iterator<Item = &Value>;

    /// Its text, unless it is another kind of value.
    fn word(&self, name: &str) -> Option<&str>;
}

impl Parts for Value {
    fn part(&self, name: &str) -> &Value {
        self.get(name).unwrap_or(&Value::Null)
    }

    fn items(&self) -> impl Iterator<Item = &Value> {
        self.as_array().into_iter().flatten()
    }

    fn word(&self, name: &str) -> Option<&str> {
        self.part(name).as_str()
    }
}

/// An object with one more field.
pub(crate) fn with(mut object: Value, name: &str, value: impl Into<Value>) -> Value {
    if let Some(fields) = object.as_object_mut() {
        fields.insert(name.to_owned(), value.into());
    }
    object
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_not_there_is_null() {
        let value = json!({ "a": { "b": "x" }, "list": [1, 2] });
        assert_eq!(value.part("a").word("b"), Some("x"));
        assert_eq!(value.part("none").part("b"), &Value::Null);
        assert_eq!(value.part("list").items().count(), 2);
        assert_eq!(value.part("a").items().count(), 0);
    }
}

//! Where one JSON value is not the other.

use serde::Serialize;
use serde_json::Value;

/// At most so many differences are told of one value.
const MOST: usize = 20;

/// One place where two values differ.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Difference {
    /// JSON pointer; empty for the whole.
    pub pointer: String,
    /// What should be there; absent when nothing should.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected: Option<Value>,
    /// What is there; absent when nothing is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub got: Option<Value>,
}

/// Every place where the values differ, twenty at most. Numbers are compared as numbers: 1 is 1.0.
pub(super) fn differences(expected: &Value, got: &Value) -> Vec<Difference> {
    let mut found = Vec::new();
    compare("", Some(expected), Some(got), &mut found);
    found.truncate(MOST);
    found
}

fn compare(pointer: &str, expected: Option<&Value>, got: Option<&Value>, found: &mut Vec<Difference>) {
    match (expected, got) {
        (Some(Value::Object(expected)), Some(Value::Object(got))) => {
            let mut names: Vec<&String> = expected.keys().chain(got.keys()).collect();
            names.sort();
            names.dedup();
            for name in names {
                let below = format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1"));
                compare(&below, expected.get(name), got.get(name), found);
            }
        }
        (Some(Value::Array(expected)), Some(Value::Array(got))) => {
            for at in 0..expected.len().max(got.len()) {
                compare(&format!("{pointer}/{at}"), expected.get(at), got.get(at), found);
            }
        }
        (Some(expected), Some(got)) if same(expected, got) => {}
        (expected, got) => {
            let pointer = pointer.to_owned();
            found.push(Difference { pointer, expected: expected.cloned(), got: got.cloned() });
        }
    }
}

fn same(expected: &Value, got: &Value) -> bool {
    match (expected, got) {
        (Value::Number(expected), Value::Number(got)) => expected == got || expected.as_f64() == got.as_f64(),
        _ => expected == got,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn each_difference_says_where() {
        let expected = json!({ "a": [1, 2], "b/c": "x", "gone": null, "same": 1 });
        let got = json!({ "a": [1, 3, 4], "b/c": "y", "same": 1.0 });
        let found = differences(&expected, &got);
        let pointers: Vec<_> = found.iter().map(|one| one.pointer.as_str()).collect();
        assert_eq!(pointers, ["/a/1", "/a/2", "/b~1c", "/gone"]);
        assert_eq!(found[1], Difference { pointer: "/a/2".into(), expected: None, got: Some(json!(4)) });
        assert_eq!(found[3].got, None);
    }

    #[test]
    fn equal_values_do_not_differ() {
        let value = json!({ "a": [{ "b": 1 }], "c": "d" });
        assert_eq!(differences(&value, &value), []);
    }
}

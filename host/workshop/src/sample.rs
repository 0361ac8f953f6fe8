//! A value that satisfies a JSON Schema, so that a first draft has an example.
//!
//! It knows what people and assistants write: types, properties, enums, a few bounds. What it makes is checked against the
//! schema; where it does not fit there is no example, and whoever writes the operation writes one.

use orgata_model::schema::Schema;
use serde_json::{Map, Number, Value};

/// How deep objects and references are followed.
const DEPTH: usize = 12;

/// A value that fits, if one is found.
pub(crate) fn sample(schema: &Value) -> Option<Value> {
    let compiled = Schema::compile(schema).ok()?;
    let made = made(schema, schema, DEPTH)?;
    compiled.check(&made).is_ok().then_some(made)
}

fn made(schema: &Value, root: &Value, depth: usize) -> Option<Value> {
    let depth = depth.checked_sub(1)?;
    let Some(fields) = schema.as_object() else { return Some(Value::Null) };
    let first = |key: &str| fields.get(key).and_then(Value::as_array).and_then(|values| values.first());
    let given = fields.get("const").or_else(|| first("examples")).or_else(|| fields.get("default"));
    if let Some(value) = given.or_else(|| first("enum")) {
        return Some(value.clone());
    }
    if let Some(pointer) = fields.get("$ref").and_then(Value::as_str) {
        return made(root.pointer(pointer.strip_prefix('#')?)?, root, depth);
    }
    if let Some(choice) = first("oneOf").or_else(|| first("anyOf")) {
        return made(choice, root, depth);
    }
    let kind = match fields.get("type") {
        Some(Value::String(kind)) => kind.as_str(),
        Some(Value::Array(kinds)) => kinds.iter().filter_map(Value::as_str).next()?,
        _ if fields.contains_key("properties") => "object",
        _ => return Some(Value::Object(Map::new())),
    };
    match kind {
        "object" => object(fields, root, depth),
        "array" => array(fields, root, depth),
        "string" => Some(Value::from(string(fields))),
        "integer" => Some(number(fields, 1.0)),
        "number" => Some(number(fields, 1.5)),
        "boolean" => Some(Value::Bool(true)),
        "null" => Some(Value::Null),
        _ => None,
    }
}

/// All properties: an example shows what there is.
fn object(fields: &Map<String, Value>, root: &Value, depth: usize) -> Option<Value> {
    let properties = fields.get("properties").and_then(Value::as_object);
    let required = fields.get("required").and_then(Value::as_array);
    let is_required =
        |name: &str| required.is_some_and(|names| names.iter().any(|required| required == name));
    let mut object = Map::new();
    for (name, schema) in properties.into_iter().flatten() {
        match made(schema, root, depth) {
            Some(value) => object.insert(name.clone(), value),
            None if is_required(name) => return None,
            None => None,
        };
    }
    Some(Value::Object(object))
}

fn array(fields: &Map<String, Value>, root: &Value, depth: usize) -> Option<Value> {
    let least = fields.get("minItems").and_then(Value::as_u64).unwrap_or(0);
    let (Some(items), 0..=20) = (fields.get("items"), least) else { return Some(Value::Array(Vec::new())) };
    match made(items, root, depth) {
        Some(item) => Some(Value::Array(vec![item; usize::try_from(least.max(1)).ok()?])),
        None => Some(Value::Array(Vec::new())),
    }
}

fn string(fields: &Map<String, Value>) -> String {
    let usual = match fields.get("format").and_then(Value::as_str) {
        Some("date") => "2026-01-01",
        Some("date-time") => "2026-01-01T00:00:00Z",
        Some("time") => "12:00:00Z",
        Some("email") => "ada@example.com",
        Some("uri" | "url") => "https://example.com/",
        Some("uuid") => "00000000-0000-4000-8000-000000000000",
        _ => "text",
    };
    let bound =
        |key: &str| fields.get(key).and_then(Value::as_u64).and_then(|bound| usize::try_from(bound).ok());
    let (least, most) = (bound("minLength").unwrap_or(0).min(1000), bound("maxLength").unwrap_or(usize::MAX));
    let mut text: String = usual.chars().take(most).collect();
    while text.chars().count() < least {
        text.push('x');
    }
    text
}

/// As near to what is usual as the bounds allow.
fn number(fields: &Map<String, Value>, usual: f64) -> Value {
    let bound = |key: &str| fields.get(key).and_then(Value::as_f64);
    let low = bound("minimum").or_else(|| bound("exclusiveMinimum").map(|bound| bound + 1.0));
    let high = bound("maximum").or_else(|| bound("exclusiveMaximum").map(|bound| bound - 1.0));
    let step = bound("multipleOf").filter(|step| *step > 0.0);
    let mut number = usual.max(low.unwrap_or(f64::MIN)).min(high.unwrap_or(f64::MAX));
    if let Some(step) = step {
        number = (number / step).ceil() * step;
    }
    if number.fract() == 0.0 && number.abs() < 9e15 {
        // Bounded above: the cast keeps every digit.
        return Value::from(number as i64);
    }
    Number::from_f64(number).map_or(Value::from(1), Value::Number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_value_is_made_that_fits() {
        let schema = json!({
            "type": "object",
            "properties": {
                "name": { "type": "string", "minLength": 6 },
                "kind": { "enum": ["classic", "deluxe"] },
                "count": { "type": "integer", "minimum": 5 },
                "price": { "type": "number", "exclusiveMaximum": 1 },
                "tags": { "type": "array", "items": { "type": "string" }, "minItems": 2 },
                "at": { "$ref": "#/$defs/place" },
                "note": { "type": ["string", "null"] },
                "day": { "type": "string", "format": "date" },
            },
            "required": ["name", "kind"],
            "additionalProperties": false,
            "$defs": { "place": { "type": "object", "properties": { "x": { "type": "number" } }, "required": ["x"] } },
        });
        let made = sample(&schema).unwrap();
        assert_eq!(made["name"], "textxx");
        assert_eq!(made["tags"].as_array().unwrap().len(), 2);
        assert!(made["at"]["x"].is_number());
    }

    #[test]
    fn where_none_is_found_there_is_none() {
        assert_eq!(sample(&json!({ "type": "string", "pattern": "^[0-9]{4}$" })), None);
        assert_eq!(sample(&json!({ "$ref": "#" })), None);
        assert_eq!(sample(&json!({ "type": "no such type" })), None);
        let endless =
            json!({ "type": "object", "properties": { "next": { "$ref": "#" } }, "required": ["next"] });
        assert_eq!(sample(&endless), None);
        assert!(sample(&json!(true)).is_some() && sample(&json!(false)).is_none());
    }
}

//! A JSON Schema in one line: `{ name: string, times?: integer }`. Enough to see what is meant; the whole
//! schema is there with `--json`.

use serde_json::Value;

/// How deep objects are opened.
const DEPTH: usize = 3;
/// How many choices are named.
const CHOICES: usize = 6;

/// The schema in one line.
pub(super) fn signature(schema: &Value) -> String {
    written(schema, schema, DEPTH)
}

fn written(schema: &Value, root: &Value, depth: usize) -> String {
    let Some(fields) = schema.as_object() else {
        return if schema == &Value::Bool(false) { "nothing" } else { "any" }.to_owned();
    };
    let list = |key: &str| fields.get(key).and_then(Value::as_array);
    if let Some(target) = fields.get("$ref").and_then(Value::as_str) {
        let found = target.strip_prefix('#').and_then(|pointer| root.pointer(pointer));
        let name = target.rsplit(['/', '#']).next().filter(|name| !name.is_empty());
        return match found {
            Some(found) if depth > 0 => written(found, root, depth - 1),
            _ => name.unwrap_or("…").to_owned(),
        };
    }
    if let Some(value) = fields.get("const") {
        return value.to_string();
    }
    if let Some(values) = list("enum") {
        return one_of(values.iter().map(Value::to_string));
    }
    if let Some(choices) = list("oneOf").or_else(|| list("anyOf")) {
        return one_of(choices.iter().map(|choice| written(choice, root, depth)));
    }
    match fields.get("type") {
        Some(Value::Array(types)) => one_of(types.iter().filter_map(Value::as_str).map(str::to_owned)),
        Some(Value::String(name)) => match name.as_str() {
            "object" => object(schema, root, depth),
            "array" => match fields.get("items") {
                Some(items) => format!("[{}]", written(items, root, depth)),
                None => "[any]".to_owned(),
            },
            _ => name.clone(),
        },
        _ if fields.contains_key("properties") => object(schema, root, depth),
        _ => "any".to_owned(),
    }
}

fn object(schema: &Value, root: &Value, depth: usize) -> String {
    let Some(fields) = schema.get("properties").and_then(Value::as_object) else {
        return "object".to_owned();
    };
    if fields.is_empty() {
        return "{}".to_owned();
    }
    if depth == 0 {
        return "{ … }".to_owned();
    }
    let required = schema.get("required").and_then(Value::as_array);
    let is_required =
        |name: &str| required.is_some_and(|names| names.iter().any(|required| required == name));
    let field = |(name, field): (&String, &Value)| {
        let mark = if is_required(name) { "" } else { "?" };
        format!("{name}{mark}: {}", written(field, root, depth - 1))
    };
    format!("{{ {} }}", fields.iter().map(field).collect::<Vec<_>>().join(", "))
}

fn one_of(choices: impl Iterator<Item = String>) -> String {
    let mut choices: Vec<String> = choices.collect();
    if choices.len() > CHOICES {
        choices.truncate(CHOICES);
        choices.push("…".to_owned());
    }
    choices.join(" | ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_schema_fits_a_line() {
        let schema = json!({
            "type": "object",
            "properties": {
                "kind": { "enum": ["classic", "deluxe"] },
                "tags": { "type": "array", "items": { "type": "string" } },
                "note": { "type": ["string", "null"] },
                "at": { "$ref": "#/$defs/Place" },
            },
            "required": ["kind"],
            "$defs": { "Place": { "type": "object", "properties": { "x": { "type": "number" } }, "required": ["x"] } },
        });
        assert_eq!(
            signature(&schema),
            r#"{ at?: { x: number }, kind: "classic" | "deluxe", note?: string | null, tags?: [string] }"#
        );
    }

    #[test]
    fn a_schema_that_holds_itself_ends() {
        let list = json!({ "type": "object", "properties": { "next": { "$ref": "#" } } });
        assert_eq!(signature(&list), "{ next?: { next?: … } }");
        assert_eq!(signature(&json!({ "$ref": "#" })), "…");
    }

    #[test]
    fn what_says_nothing_allows_anything() {
        assert_eq!(signature(&json!({})), "any");
        assert_eq!(signature(&json!(true)), "any");
        assert_eq!(signature(&json!({ "type": "object" })), "object");
        assert_eq!(signature(&json!({ "type": "object", "properties": {} })), "{}");
    }
}

//! JSON Schemas of what tools take and give, made from the wire types' own descriptions.
//!
//! The OpenAPI document is made of the same descriptions, so REST and MCP cannot disagree about a shape. A schema
//! stands alone: what it refers to is in its `$defs`. Rejected: a second description of every wire type for a
//! second library of schemas.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use rmcp::model::JsonObject;
use serde_json::{Value, json};
use utoipa::ToSchema;

/// Where the OpenAPI document keeps what is referred to, and where a schema that stands alone does.
const SHARED: &str = "#/components/schemas/";
const OWN: &str = "#/$defs/";

/// Keywords whose value is a schema, a list of schemas, and a map of names to schemas.
const ONE: [&str; 4] = ["items", "additionalProperties", "propertyNames", "not"];
const SEVERAL: [&str; 4] = ["oneOf", "anyOf", "allOf", "prefixItems"];
const NAMED: [&str; 2] = ["properties", "patternProperties"];

/// What wire types are called in the OpenAPI document. A generic type does not know by itself what it is made of.
static WIRE: LazyLock<BTreeMap<String, Value>> = LazyLock::new(|| {
    let components = crate::openapi::openapi().components.unwrap_or_default();
    components.schemas.into_iter().map(|(name, schema)| (name, json!(schema))).collect()
});

/// The schema of a type, with everything that it refers to.
pub(super) fn of<T: ToSchema>() -> Arc<JsonObject> {
    let mut shared = Vec::new();
    T::schemas(&mut shared);
    let mut shared: BTreeMap<String, Value> =
        shared.into_iter().map(|(name, schema)| (name, json!(schema))).collect();
    shared.extend(WIRE.iter().map(|(name, schema)| (name.clone(), schema.clone())));
    let mut root = json!(T::schema());
    let mut wanted = Vec::new();
    own(&mut root, &mut wanted);
    let mut definitions = JsonObject::new();
    while let Some(name) = wanted.pop() {
        let Some(schema) = shared.get(&name).filter(|_| !definitions.contains_key(&name)) else { continue };
        let mut schema = schema.clone();
        own(&mut schema, &mut wanted);
        definitions.insert(name, schema);
    }
    Arc::new(document(root, definitions))
}

/// Clients insist on an object at the root, and on being told so.
fn document(root: Value, definitions: JsonObject) -> JsonObject {
    let mut document = match root {
        Value::Object(root) => root,
        _ => JsonObject::new(),
    };
    document.insert("type".to_owned(), json!("object"));
    if !definitions.is_empty() {
        document.insert("$defs".to_owned(), Value::Object(definitions));
    }
    document
}

/// Turns references around, notes what they name, and drops what only a page needs.
fn own(schema: &mut Value, wanted: &mut Vec<String>) {
    let Some(schema) = schema.as_object_mut() else { return };
    schema.remove("example");
    if let Some(Value::String(reference)) = schema.get_mut("$ref")
        && let Some(name) = reference.strip_prefix(SHARED)
    {
        wanted.push(name.to_owned());
        *reference = format!("{OWN}{name}");
    }
    for keyword in ONE {
        schema.get_mut(keyword).into_iter().for_each(|inner| own(inner, wanted));
    }
    for keyword in SEVERAL {
        let inner = schema.get_mut(keyword).and_then(Value::as_array_mut);
        inner.into_iter().flatten().for_each(|inner| own(inner, wanted));
    }
    for keyword in NAMED {
        let inner = schema.get_mut(keyword).and_then(Value::as_object_mut);
        inner.into_iter().flatten().for_each(|(_, inner)| own(inner, wanted));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::intervention::PendingView;
    use crate::wire::page::PageView;

    #[test]
    fn a_schema_stands_alone() {
        let schema = Value::Object((*of::<PageView<PendingView<'static>>>()).clone());
        assert_eq!(schema["type"], "object");
        assert!(!schema.to_string().contains(SHARED));
        assert!(schema["$defs"]["InterventionView"]["properties"]["prompt"].is_object(), "{schema}");
    }

    #[test]
    fn a_field_of_that_name_is_no_example() {
        let mut schema = json!({ "properties": { "example": { "type": "string", "example": "x" } } });
        own(&mut schema, &mut Vec::new());
        assert_eq!(schema, json!({ "properties": { "example": { "type": "string" } } }));
    }
}

//! What is known of a value before there is one: the JSON Schema that it will satisfy.

use std::collections::BTreeSet;

use serde_json::Value;

/// JSON types; `integer` and `number` are both `number`.
pub(super) type Types = BTreeSet<&'static str>;

/// A part of a schema document.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape<'s> {
    document: &'s Value,
    part: &'s Value,
}

/// Where a path leads to.
#[derive(Debug)]
pub(super) enum Led<'s> {
    /// Nothing is known of what is there.
    Unknown,
    /// To this.
    To(Shape<'s>),
    /// There can be nothing: the names that there can be.
    Nowhere(Vec<&'s str>),
}

/// Links that are followed before a schema counts as unknown.
const MAX_LINKS: usize = 16;

impl<'s> Shape<'s> {
    /// Of a whole document.
    pub(super) fn of(document: &'s Value) -> Self {
        Self { document, part: document }
    }

    /// The schema itself, without the document around it; `None` when it refers to that.
    pub(super) fn alone(self) -> Option<&'s Value> {
        let refers = self.part.to_string().contains("\"$ref\"");
        (!refers).then_some(self.part)
    }

    /// What a link leads to.
    fn resolved(self) -> Option<Self> {
        let mut part = self.part;
        for _ in 0..MAX_LINKS {
            let Some(link) = part.get("$ref").and_then(Value::as_str) else {
                return Some(Self { part, ..self });
            };
            part = self.document.pointer(link.strip_prefix('#')?)?;
        }
        None
    }

    /// Whether more than one schema decides: then nothing simple can be said.
    fn is_mixed(self) -> bool {
        ["anyOf", "oneOf", "allOf", "if", "not", "$dynamicRef"].iter().any(|key| self.part.get(key).is_some())
    }

    /// The properties that it names, when it can have no others: it says so, or names some and says nothing of others.
    pub(super) fn only_properties(self) -> Option<Vec<&'s str>> {
        let own = self.resolved()?;
        let properties = own.part.get("properties").and_then(Value::as_object);
        let closed = match own.part.get("additionalProperties") {
            Some(Value::Bool(false)) => true,
            Some(_) => false,
            None => properties.is_some_and(|properties| !properties.is_empty()),
        };
        let open = own.is_mixed() || own.part.get("patternProperties").is_some();
        (closed && !open).then(|| properties.into_iter().flatten().map(|(name, _)| name.as_str()).collect())
    }

    /// The properties that it must have.
    pub(super) fn required(self) -> Vec<&'s str> {
        let Some(own) = self.resolved() else { return Vec::new() };
        let required = own.part.get("required").and_then(Value::as_array);
        required.into_iter().flatten().filter_map(Value::as_str).collect()
    }

    /// What is under a key of an object.
    pub(super) fn key(self, key: &str) -> Led<'s> {
        let Some(own) = self.resolved() else { return Led::Unknown };
        if let Some(part) = own.part.get("properties").and_then(|properties| properties.get(key)) {
            return Led::To(Self { part, ..own });
        }
        if let Some(names) = own.only_properties() {
            return Led::Nowhere(names);
        }
        match own.types() {
            Some(types) if !types.contains("object") => Led::Nowhere(Vec::new()),
            _ => match own.part.get("additionalProperties") {
                Some(part @ Value::Object(_)) if own.part.get("patternProperties").is_none() => {
                    Led::To(Self { part, ..own })
                }
                _ => Led::Unknown,
            },
        }
    }

    /// What an element of a list is.
    pub(super) fn element(self) -> Led<'s> {
        let Some(own) = self.resolved() else { return Led::Unknown };
        match (own.part.get("items"), own.types()) {
            (Some(part @ Value::Object(_)), _) if own.part.get("prefixItems").is_none() => {
                Led::To(Self { part, ..own })
            }
            (_, Some(types)) if !types.contains("array") => Led::Nowhere(Vec::new()),
            _ => Led::Unknown,
        }
    }

    /// The JSON types that it can have: `integer` and `number` count as `number`. `None`: any.
    pub(super) fn types(self) -> Option<Types> {
        let own = self.resolved()?;
        if let Some(constant) = own.part.get("const") {
            return Some([type_of(constant)].into());
        }
        if let Some(values) = own.part.get("enum").and_then(Value::as_array) {
            return Some(values.iter().map(type_of).collect());
        }
        match own.part.get("type")? {
            Value::String(word) => Some([known(word)?].into()),
            Value::Array(words) => words.iter().map(|word| known(word.as_str()?)).collect(),
            _ => None,
        }
    }
}

fn known(word: &str) -> Option<&'static str> {
    match word {
        "integer" | "number" => Some("number"),
        "string" => Some("string"),
        "boolean" => Some("boolean"),
        "null" => Some("null"),
        "array" => Some("array"),
        "object" => Some("object"),
        _ => None,
    }
}

pub(super) fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

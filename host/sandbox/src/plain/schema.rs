//! The JSON Schema (2020-12) of a shape.
//!
//! | WIT | JSON |
//! |---|---|
//! | `bool`, `string` | the same |
//! | `s8` … `u32` | an integer within its bounds |
//! | `s64`, `u64` | an integer, or the same as a decimal string (past 2⁵³ the host writes strings) |
//! | `f32`, `f64` | a number, or `"NaN"`, `"Infinity"`, `"-Infinity"` |
//! | `char` | a string of one character |
//! | `list<u8>` | a base64 string; any other `list` an array |
//! | `record` | an object, closed; fields that are an `option` are not required |
//! | `tuple` | an array of that length |
//! | `option` | the value or `null`; an option in an option `{"some": …}` or `null` |
//! | `enum` | its name as a string |
//! | `variant` | an object with one key, the name of the case; its value is the payload, `null` without one |
//! | `result` | `{"ok": …}` or `{"err": …}`, `null` inside where there is no payload |
//! | `flags` | an array of different names |

use serde_json::{Map, Value, json};

use super::shape::{Integer, Shape};

/// What a decimal string of a 64-bit integer looks like.
const DECIMAL: &str = "^(0|-?[1-9][0-9]{0,19})$";

/// What base64 (RFC 4648, with padding) looks like.
const BASE64: &str = "^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$";

impl Shape {
    /// The schema of its values.
    pub(crate) fn schema(&self) -> Value {
        match self {
            Self::Bool => json!({ "type": "boolean" }),
            Self::Integer(integer) => integer.schema(),
            Self::Float32 => float(
                json!({ "type": "number", "minimum": f64::from(f32::MIN), "maximum": f64::from(f32::MAX) }),
            ),
            Self::Float64 => float(json!({ "type": "number" })),
            Self::Char => json!({ "type": "string", "minLength": 1, "maxLength": 1 }),
            Self::String => json!({ "type": "string" }),
            Self::Bytes => json!({ "type": "string", "contentEncoding": "base64", "pattern": BASE64 }),
            Self::List(item) => json!({ "type": "array", "items": item.schema() }),
            Self::Record(fields) => object(fields.iter().map(|(name, field)| (name.as_str(), field))),
            Self::Tuple(items) => tuple(items),
            Self::Variant(cases) => {
                one_of(cases.iter().map(|(name, payload)| tagged(name, payload.as_ref())))
            }
            Self::Enum(names) => json!({ "type": "string", "enum": names }),
            Self::Option(some) if some.may_be_null() => {
                json!({ "anyOf": [tagged("some", Some(some)), nothing()] })
            }
            Self::Option(some) => json!({ "anyOf": [some.schema(), nothing()] }),
            Self::Result { ok, err } => one_of([tagged("ok", ok.as_deref()), tagged("err", err.as_deref())]),
            Self::Flags(names) => {
                json!({ "type": "array", "uniqueItems": true, "items": { "type": "string", "enum": names } })
            }
        }
    }
}

/// A closed object of these fields; those that are options may be left out.
pub(crate) fn object<'a>(fields: impl Iterator<Item = (&'a str, &'a Shape)>) -> Value {
    let (mut properties, mut required) = (Map::new(), Vec::new());
    for (name, shape) in fields {
        properties.insert(name.to_owned(), shape.schema());
        if !matches!(shape, Shape::Option(_)) {
            required.push(name);
        }
    }
    json!({ "type": "object", "properties": properties, "required": required, "additionalProperties": false })
}

/// The schema of nothing.
pub(crate) fn nothing() -> Value {
    json!({ "type": "null" })
}

impl Integer {
    fn schema(self) -> Value {
        let (least, most) = self.range();
        let number = json!({ "type": "integer", "minimum": whole(least), "maximum": whole(most) });
        if self.is_wide() {
            json!({ "anyOf": [number, { "type": "string", "pattern": DECIMAL }] })
        } else {
            number
        }
    }
}

/// The number in JSON; only numbers of 64 bits are asked for.
fn whole(number: i128) -> Value {
    i64::try_from(number)
        .map(Value::from)
        .or_else(|_| u64::try_from(number).map(Value::from))
        .unwrap_or_default()
}

fn float(number: Value) -> Value {
    json!({ "anyOf": [number, { "enum": ["NaN", "Infinity", "-Infinity"] }] })
}

fn tuple(items: &[Shape]) -> Value {
    let length = items.len();
    let schemas: Vec<_> = items.iter().map(Shape::schema).collect();
    if schemas.is_empty() {
        return json!({ "type": "array", "maxItems": 0 });
    }
    json!({ "type": "array", "prefixItems": schemas, "items": false, "minItems": length, "maxItems": length })
}

fn tagged(tag: &str, payload: Option<&Shape>) -> Value {
    let payload = payload.map_or_else(nothing, Shape::schema);
    json!({ "type": "object", "properties": { tag: payload }, "required": [tag], "additionalProperties": false })
}

fn one_of(alternatives: impl IntoIterator<Item = Value>) -> Value {
    json!({ "oneOf": alternatives.into_iter().collect::<Vec<_>>() })
}

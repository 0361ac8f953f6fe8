//! Values of a shape, to and from JSON, as [`super::schema`] describes them.
//!
//! Lossless both ways: what [`Shape::encode`] writes satisfies the shape's schema, and [`Shape::decode`]
//! reads it back to the same value (property test below).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Number, Value};
use wasmtime::component::Val;

use super::shape::{Integer, Shape};

/// Largest whole number that every reader of JSON reads back exactly.
const SAFE: i128 = (1 << 53) - 1;

/// Most parts of one decoded value: a part takes tens of bytes in the host for a single one of JSON.
const MAX_PARTS: usize = 1_000_000;

/// A value that is not of the shape it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{pointer}: {message}")]
pub(crate) struct Mismatch {
    /// JSON pointer to the part at fault.
    pointer: String,
    message: String,
}

impl Mismatch {
    fn new(message: impl Into<String>) -> Self {
        Self { pointer: String::new(), message: message.into() }
    }

    /// The same, one level further out.
    pub(crate) fn inside(mut self, key: impl std::fmt::Display) -> Self {
        self.pointer = format!("/{key}{}", self.pointer);
        self
    }
}

/// Reads values; counts their parts.
#[derive(Debug)]
pub(crate) struct Decoder {
    parts_left: usize,
}

impl Decoder {
    pub(crate) fn new() -> Self {
        Self { parts_left: MAX_PARTS }
    }

    fn count(&mut self, parts: usize) -> Result<(), Mismatch> {
        let left = self.parts_left.checked_sub(parts);
        self.parts_left =
            left.ok_or_else(|| Mismatch::new(format!("the value has more than {MAX_PARTS} parts")))?;
        Ok(())
    }
}

impl Shape {
    /// Reads a value.
    pub(crate) fn decode(&self, json: &Value, decoder: &mut Decoder) -> Result<Val, Mismatch> {
        decoder.count(1)?;
        Ok(match self {
            Self::Bool => Val::Bool(json.as_bool().ok_or_else(|| wanted("true or false"))?),
            Self::Integer(integer) => integer.decode(json)?,
            Self::Float32 => Val::Float32(single(json)?),
            Self::Float64 => Val::Float64(double(json)?),
            Self::Char => Val::Char(one_char(json)?),
            Self::String => Val::String(text(json)?.to_owned()),
            Self::Bytes => bytes(json, decoder)?,
            Self::List(item) => {
                let items = array(json)?.iter().enumerate();
                let items =
                    items.map(|(at, json)| item.decode(json, decoder).map_err(|error| error.inside(at)));
                Val::List(items.collect::<Result<_, _>>()?)
            }
            Self::Record(fields) => Val::Record(record(fields, json, decoder)?),
            Self::Tuple(shapes) => {
                let items = array(json)?;
                if items.len() != shapes.len() {
                    return Err(wanted(&format!("an array of {} values", shapes.len())));
                }
                let items = shapes.iter().zip(items).enumerate();
                let items =
                    items.map(|(at, (shape, json))| shape.decode(json, decoder).map_err(|e| e.inside(at)));
                Val::Tuple(items.collect::<Result<_, _>>()?)
            }
            Self::Variant(cases) => {
                let (tag, json) = tag(json)?;
                let (_, payload) = cases.iter().find(|(name, _)| name == tag).ok_or_else(|| unknown(tag))?;
                let payload =
                    payload_of(payload.as_ref(), json, decoder).map_err(|error| error.inside(tag))?;
                Val::Variant(tag.to_owned(), payload)
            }
            Self::Enum(names) => Val::Enum(one_of(names, json)?),
            Self::Option(some) => Val::Option(option(some, json, decoder)?),
            Self::Result { ok, err } => match tag(json)? {
                ("ok", json) => {
                    Val::Result(Ok(payload_of(ok.as_deref(), json, decoder).map_err(|e| e.inside("ok"))?))
                }
                ("err", json) => {
                    Val::Result(Err(payload_of(err.as_deref(), json, decoder).map_err(|e| e.inside("err"))?))
                }
                (other, _) => return Err(unknown(other)),
            },
            Self::Flags(names) => {
                let set =
                    array(json)?.iter().map(|name| one_of(names, name)).collect::<Result<Vec<_>, _>>()?;
                Val::Flags(names.iter().filter(|name| set.contains(name)).cloned().collect())
            }
        })
    }

    /// Writes a value. It fails only on a value of another shape, which a component cannot give.
    pub(crate) fn encode(&self, value: &Val) -> Result<Value, Mismatch> {
        Ok(match (self, value) {
            (Self::Bool, Val::Bool(value)) => Value::Bool(*value),
            (Self::Integer(integer), value) => integer.encode(value)?,
            (Self::Float32, Val::Float32(value)) => from_single(*value),
            (Self::Float64, Val::Float64(value)) => from_double(*value),
            (Self::Char, Val::Char(value)) => Value::String(value.to_string()),
            (Self::String, Val::String(value)) => Value::String(value.clone()),
            (Self::Bytes, Val::List(items)) => from_bytes(items)?,
            (Self::List(item), Val::List(items)) => {
                Value::Array(items.iter().map(|value| item.encode(value)).collect::<Result<_, _>>()?)
            }
            (Self::Record(fields), Val::Record(values)) if fields.len() == values.len() => {
                from_record(fields, values)?
            }
            (Self::Tuple(shapes), Val::Tuple(values)) if shapes.len() == values.len() => {
                let items = shapes.iter().zip(values).map(|(shape, value)| shape.encode(value));
                Value::Array(items.collect::<Result<_, _>>()?)
            }
            (Self::Variant(cases), Val::Variant(tag, payload)) => {
                let (_, shape) = cases.iter().find(|(name, _)| name == tag).ok_or_else(|| unknown(tag))?;
                tagged(tag, from_payload(shape.as_ref(), payload.as_deref())?)
            }
            (Self::Enum(_), Val::Enum(name)) => Value::String(name.clone()),
            (Self::Option(_), Val::Option(None)) => Value::Null,
            (Self::Option(shape), Val::Option(Some(value))) if shape.may_be_null() => {
                tagged("some", shape.encode(value)?)
            }
            (Self::Option(shape), Val::Option(Some(value))) => shape.encode(value)?,
            (Self::Result { ok, .. }, Val::Result(Ok(payload))) => {
                tagged("ok", from_payload(ok.as_deref(), payload.as_deref())?)
            }
            (Self::Result { err, .. }, Val::Result(Err(payload))) => {
                tagged("err", from_payload(err.as_deref(), payload.as_deref())?)
            }
            (Self::Flags(_), Val::Flags(names)) => names.iter().cloned().map(Value::String).collect(),
            _ => return Err(wanted(&format!("a value of type {self}"))),
        })
    }
}

fn wanted(what: &str) -> Mismatch {
    Mismatch::new(format!("it must be {what}"))
}

fn unknown(name: &str) -> Mismatch {
    Mismatch::new(format!("there is no {name:.100?} here"))
}

fn text(json: &Value) -> Result<&str, Mismatch> {
    json.as_str().ok_or_else(|| wanted("a string"))
}

fn array(json: &Value) -> Result<&Vec<Value>, Mismatch> {
    json.as_array().ok_or_else(|| wanted("an array"))
}

fn object(json: &Value) -> Result<&Map<String, Value>, Mismatch> {
    json.as_object().ok_or_else(|| wanted("an object"))
}

impl Integer {
    fn decode(self, json: &Value) -> Result<Val, Mismatch> {
        let (least, most) = self.range();
        let bad = || wanted(&format!("a whole number from {least} to {most}"));
        let number = match json {
            Value::Number(number) => number.as_i128().or_else(|| whole(number)),
            Value::String(text) if self.is_wide() => text.parse().ok(),
            _ => None,
        };
        let number = number.filter(|number| (least..=most).contains(number)).ok_or_else(bad)?;
        self.value(number).ok_or_else(bad)
    }

    fn value(self, number: i128) -> Option<Val> {
        Some(match self {
            Self::S8 => Val::S8(number.try_into().ok()?),
            Self::U8 => Val::U8(number.try_into().ok()?),
            Self::S16 => Val::S16(number.try_into().ok()?),
            Self::U16 => Val::U16(number.try_into().ok()?),
            Self::S32 => Val::S32(number.try_into().ok()?),
            Self::U32 => Val::U32(number.try_into().ok()?),
            Self::S64 => Val::S64(number.try_into().ok()?),
            Self::U64 => Val::U64(number.try_into().ok()?),
        })
    }

    fn encode(self, value: &Val) -> Result<Value, Mismatch> {
        let number: i128 = match (self, value) {
            (Self::S8, Val::S8(number)) => (*number).into(),
            (Self::U8, Val::U8(number)) => (*number).into(),
            (Self::S16, Val::S16(number)) => (*number).into(),
            (Self::U16, Val::U16(number)) => (*number).into(),
            (Self::S32, Val::S32(number)) => (*number).into(),
            (Self::U32, Val::U32(number)) => (*number).into(),
            (Self::S64, Val::S64(number)) => (*number).into(),
            (Self::U64, Val::U64(number)) => (*number).into(),
            _ => return Err(wanted(&format!("a value of type {}", Shape::Integer(self)))),
        };
        match i64::try_from(number) {
            Ok(small) if number.abs() <= SAFE => Ok(small.into()),
            _ => Ok(Value::String(number.to_string())),
        }
    }
}

/// JSON Schema counts 1.0 among the integers.
fn whole(number: &Number) -> Option<i128> {
    let float = number.as_f64().filter(|float| float.fract() == 0.0)?;
    // Beyond this, a float says only roughly which integer is meant.
    (float.abs() <= SAFE as f64).then_some(float as i128)
}

fn double(json: &Value) -> Result<f64, Mismatch> {
    match json.as_str() {
        Some("NaN") => Ok(f64::NAN),
        Some("Infinity") => Ok(f64::INFINITY),
        Some("-Infinity") => Ok(f64::NEG_INFINITY),
        _ => json.as_f64().ok_or_else(|| wanted("a number")),
    }
}

fn single(json: &Value) -> Result<f32, Mismatch> {
    let double = double(json)?;
    let single = double as f32;
    if single.is_finite() == double.is_finite() {
        Ok(single)
    } else {
        Err(wanted("a number that fits into 32 bits"))
    }
}

fn from_double(value: f64) -> Value {
    match Number::from_f64(value) {
        Some(number) => Value::Number(number),
        None if value.is_nan() => "NaN".into(),
        None if value > 0.0 => "Infinity".into(),
        None => "-Infinity".into(),
    }
}

/// The shortest number that is read back the same: 0.1, and not what 0.1 is nearest to in 64 bits.
fn from_single(value: f32) -> Value {
    let exact = f64::from(value);
    let short = value.to_string().parse().ok().filter(|short: &f64| *short as f32 == value);
    from_double(short.unwrap_or(exact))
}

fn one_char(json: &Value) -> Result<char, Mismatch> {
    let mut chars = text(json)?.chars();
    match (chars.next(), chars.next()) {
        (Some(only), None) => Ok(only),
        _ => Err(wanted("a string of one character")),
    }
}

fn bytes(json: &Value, decoder: &mut Decoder) -> Result<Val, Mismatch> {
    let bytes = STANDARD.decode(text(json)?).map_err(|error| wanted(&format!("base64 ({error})")))?;
    decoder.count(bytes.len())?;
    Ok(Val::List(bytes.into_iter().map(Val::U8).collect()))
}

fn from_bytes(items: &[Val]) -> Result<Value, Mismatch> {
    let byte = |value: &Val| match value {
        Val::U8(byte) => Ok(*byte),
        _ => Err(wanted("a byte")),
    };
    let bytes = items.iter().map(byte).collect::<Result<Vec<_>, _>>()?;
    Ok(Value::String(STANDARD.encode(bytes)))
}

fn record(
    fields: &[(String, Shape)],
    json: &Value,
    decoder: &mut Decoder,
) -> Result<Vec<(String, Val)>, Mismatch> {
    let given = object(json)?;
    if let Some(key) = given.keys().find(|key| !fields.iter().any(|(name, _)| name == *key)) {
        return Err(unknown(key));
    }
    let field = |(name, shape): &(String, Shape)| Ok((name.clone(), named(name, shape, given, decoder)?));
    fields.iter().map(field).collect()
}

/// The value under a name; an option may be left out.
pub(crate) fn named(
    name: &str,
    shape: &Shape,
    given: &Map<String, Value>,
    decoder: &mut Decoder,
) -> Result<Val, Mismatch> {
    match (given.get(name), shape) {
        (Some(json), _) => shape.decode(json, decoder).map_err(|error| error.inside(name)),
        (None, Shape::Option(_)) => Ok(Val::Option(None)),
        (None, _) => Err(Mismatch::new(format!("\"{name}\" is missing"))),
    }
}

fn from_record(fields: &[(String, Shape)], values: &[(String, Val)]) -> Result<Value, Mismatch> {
    let mut object = Map::new();
    for ((name, shape), (_, value)) in fields.iter().zip(values) {
        if !matches!(value, Val::Option(None)) {
            object.insert(name.clone(), shape.encode(value)?);
        }
    }
    Ok(Value::Object(object))
}

fn option(some: &Shape, json: &Value, decoder: &mut Decoder) -> Result<Option<Box<Val>>, Mismatch> {
    if json.is_null() {
        return Ok(None);
    }
    if !some.may_be_null() {
        return Ok(Some(Box::new(some.decode(json, decoder)?)));
    }
    match tag(json)? {
        ("some", json) => {
            Ok(Some(Box::new(some.decode(json, decoder).map_err(|error| error.inside("some"))?)))
        }
        (other, _) => Err(unknown(other)),
    }
}

/// The only key of an object, and its value.
fn tag(json: &Value) -> Result<(&str, &Value), Mismatch> {
    let mut entries = object(json)?.iter();
    match (entries.next(), entries.next()) {
        (Some((tag, payload)), None) => Ok((tag, payload)),
        _ => Err(wanted("an object with one key")),
    }
}

fn tagged(tag: &str, payload: Value) -> Value {
    Value::Object(Map::from_iter([(tag.to_owned(), payload)]))
}

fn payload_of(
    shape: Option<&Shape>,
    json: &Value,
    decoder: &mut Decoder,
) -> Result<Option<Box<Val>>, Mismatch> {
    match shape {
        Some(shape) => Ok(Some(Box::new(shape.decode(json, decoder)?))),
        None if json.is_null() => Ok(None),
        None => Err(wanted("null")),
    }
}

fn from_payload(shape: Option<&Shape>, payload: Option<&Val>) -> Result<Value, Mismatch> {
    match (shape, payload) {
        (Some(shape), Some(payload)) => shape.encode(payload),
        (None, None) => Ok(Value::Null),
        _ => Err(wanted("a payload exactly where the type has one")),
    }
}

fn one_of(names: &[String], json: &Value) -> Result<String, Mismatch> {
    let name = text(json)?;
    if names.iter().any(|known| known == name) { Ok(name.to_owned()) } else { Err(unknown(name)) }
}

#[cfg(test)]
mod tests;

//! What fuzzers feed: files that should be components, and JSON that should be a value of some type.
//!
//! The long runs are in `fuzz/`, the short one below. Not part of the host: built for tests and fuzzers alone.

use serde_json::Value;

use crate::plain::codec::Decoder;
use crate::plain::shape::{Integer, Shape};
use crate::precheck;

/// A file, as it is looked at before anything is compiled.
pub fn component(bytes: &[u8]) {
    if let Err(refusal) = precheck::outline(bytes) {
        assert!(!refusal.to_string().is_empty());
    }
}

/// A type and JSON, divided by a newline: what is read as a value of the type is written as JSON that reads the same.
pub fn plain_value(bytes: &[u8]) {
    let mut parts = bytes.splitn(2, |byte| *byte == b'\n');
    let (Some(kind), Some(json)) = (parts.next(), parts.next()) else { return };
    let Ok(json) = serde_json::from_slice::<Value>(json) else { return };
    let shape = shape(&mut kind.iter().copied(), 0);
    let Ok(value) = shape.decode(&json, &mut Decoder::new()) else { return };
    let written = shape.encode(&value);
    assert!(written.is_ok(), "what was read cannot be written: {shape:?} {json}");
    let Ok(written) = written else { return };
    let again = shape.decode(&written, &mut Decoder::new());
    // Not compared as values: no NaN is itself.
    let read = again.map(|value| shape.encode(&value).map_err(|error| error.to_string()));
    let read = read.map_err(|error| error.to_string());
    assert_eq!(read, Ok(Ok(written)), "{shape:?} {json}");
}

/// One letter a type; those that hold others are followed by them.
fn shape(letters: &mut impl Iterator<Item = u8>, depth: usize) -> Shape {
    let letter = if depth > 12 { None } else { letters.next() };
    let names = || ["a", "b", "c"].map(str::to_owned).to_vec();
    let mut inner = || Box::new(shape(letters, depth + 1));
    match letter {
        Some(b'i') => Shape::Integer(Integer::S64),
        Some(b'u') => Shape::Integer(Integer::U8),
        Some(b'f') => Shape::Float32,
        Some(b'd') => Shape::Float64,
        Some(b'c') => Shape::Char,
        Some(b's') => Shape::String,
        Some(b'x') => Shape::Bytes,
        Some(b'e') => Shape::Enum(names()),
        Some(b'g') => Shape::Flags(names()),
        Some(b'l') => match *inner() {
            Shape::Integer(Integer::U8) => Shape::Bytes,
            item => Shape::List(Box::new(item)),
        },
        Some(b'o') => Shape::Option(inner()),
        Some(b't') => Shape::Tuple(vec![*inner(), *inner()]),
        Some(b'r') => Shape::Record(names().into_iter().map(|name| (name, *inner())).collect()),
        Some(b'v') => Shape::Variant(names().into_iter().map(|name| (name, Some(*inner()))).collect()),
        Some(b'z') => Shape::Result { ok: Some(inner()), err: None },
        _ => Shape::Bool,
    }
}

#[cfg(test)]
#[path = "../../../fuzz/short_run.rs"]
mod short_run;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_file_breaks_the_first_look_at_it() {
        short_run::run("component", 3_000, component);
    }

    #[test]
    fn no_json_breaks_the_codec_of_plain_components() {
        short_run::run("plain-value", 4_000, plain_value);
    }
}

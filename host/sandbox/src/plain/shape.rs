//! The types of a component's functions, as the host's own tree.
//!
//! [`Shape`] is what both the JSON Schema ([`super::schema`]) and the value codec ([`super::codec`]) walk, so
//! the two cannot disagree about what a type is; and tests can make shapes without making components.

use std::fmt;

use wasmtime::component::types::Type;

/// Deepest nesting of a type: every walk over one recurses.
const MAX_DEPTH: usize = 64;

/// Most nodes in the types of one component, written out: named types are shared in a component, and not in
/// its schemas.
const MAX_NODES: usize = 20_000;

/// A type whose values JSON can say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Shape {
    Bool,
    Integer(Integer),
    Float32,
    Float64,
    Char,
    String,
    /// `list<u8>`.
    Bytes,
    List(Box<Shape>),
    Record(Vec<(String, Shape)>),
    Tuple(Vec<Shape>),
    Variant(Vec<(String, Option<Shape>)>),
    Enum(Vec<String>),
    Option(Box<Shape>),
    Result {
        ok: Option<Box<Shape>>,
        err: Option<Box<Shape>>,
    },
    Flags(Vec<String>),
}

/// A width of integers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Integer {
    S8,
    U8,
    S16,
    U16,
    S32,
    U32,
    S64,
    U64,
}

impl Integer {
    /// The smallest and the largest.
    pub(crate) const fn range(self) -> (i128, i128) {
        match self {
            Self::S8 => (i8::MIN as i128, i8::MAX as i128),
            Self::U8 => (0, u8::MAX as i128),
            Self::S16 => (i16::MIN as i128, i16::MAX as i128),
            Self::U16 => (0, u16::MAX as i128),
            Self::S32 => (i32::MIN as i128, i32::MAX as i128),
            Self::U32 => (0, u32::MAX as i128),
            Self::S64 => (i64::MIN as i128, i64::MAX as i128),
            Self::U64 => (0, u64::MAX as i128),
        }
    }

    /// Whether it holds numbers that JavaScript, and so much of JSON, cannot.
    pub(crate) const fn is_wide(self) -> bool {
        matches!(self, Self::S64 | Self::U64)
    }

    const fn name(self) -> &'static str {
        match self {
            Self::S8 => "s8",
            Self::U8 => "u8",
            Self::S16 => "s16",
            Self::U16 => "u16",
            Self::S32 => "s32",
            Self::U32 => "u32",
            Self::S64 => "s64",
            Self::U64 => "u64",
        }
    }
}

/// Why a type has no shape.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unsupported {
    /// JSON has nothing for it.
    #[error("it uses a {0}, which JSON cannot say")]
    Kind(&'static str),
    /// It nests too deep.
    #[error("its types are nested deeper than {MAX_DEPTH}")]
    TooDeep,
    /// There is too much of it.
    #[error("its types, written out, have more than {MAX_NODES} parts")]
    TooLarge,
}

/// What is left of the bounds on one component's types.
#[derive(Debug)]
pub(crate) struct Budget {
    nodes: usize,
    depth: usize,
}

impl Budget {
    pub(crate) fn new() -> Self {
        Self { nodes: MAX_NODES, depth: MAX_DEPTH }
    }

    fn deeper<T>(
        &mut self,
        walk: impl FnOnce(&mut Self) -> Result<T, Unsupported>,
    ) -> Result<T, Unsupported> {
        self.nodes = self.nodes.checked_sub(1).ok_or(Unsupported::TooLarge)?;
        self.depth = self.depth.checked_sub(1).ok_or(Unsupported::TooDeep)?;
        let walked = walk(self);
        self.depth += 1;
        walked
    }
}

impl Shape {
    /// The shape of a type.
    pub(crate) fn of(ty: &Type, budget: &mut Budget) -> Result<Self, Unsupported> {
        budget.deeper(|budget| Self::walk(ty, budget))
    }

    fn walk(ty: &Type, budget: &mut Budget) -> Result<Self, Unsupported> {
        let names = |names: &mut dyn Iterator<Item = &str>| names.map(str::to_owned).collect();
        Ok(match ty {
            Type::Bool => Self::Bool,
            Type::S8 => Self::Integer(Integer::S8),
            Type::U8 => Self::Integer(Integer::U8),
            Type::S16 => Self::Integer(Integer::S16),
            Type::U16 => Self::Integer(Integer::U16),
            Type::S32 => Self::Integer(Integer::S32),
            Type::U32 => Self::Integer(Integer::U32),
            Type::S64 => Self::Integer(Integer::S64),
            Type::U64 => Self::Integer(Integer::U64),
            Type::Float32 => Self::Float32,
            Type::Float64 => Self::Float64,
            Type::Char => Self::Char,
            Type::String => Self::String,
            Type::List(list) if list.ty() == Type::U8 => Self::Bytes,
            Type::List(list) => Self::List(Box::new(Self::of(&list.ty(), budget)?)),
            Type::Record(record) => {
                let fields =
                    record.fields().map(|field| Ok((field.name.to_owned(), Self::of(&field.ty, budget)?)));
                Self::Record(fields.collect::<Result<_, _>>()?)
            }
            Type::Tuple(tuple) => {
                Self::Tuple(tuple.types().map(|ty| Self::of(&ty, budget)).collect::<Result<_, _>>()?)
            }
            Type::Variant(variant) => {
                let mut cases = Vec::new();
                for case in variant.cases() {
                    cases.push((case.name.to_owned(), Self::maybe(case.ty.as_ref(), budget)?));
                }
                Self::Variant(cases)
            }
            Type::Enum(cases) => Self::Enum(names(&mut cases.names())),
            Type::Option(option) => Self::Option(Box::new(Self::of(&option.ty(), budget)?)),
            Type::Result(result) => Self::Result {
                ok: Self::maybe(result.ok().as_ref(), budget)?.map(Box::new),
                err: Self::maybe(result.err().as_ref(), budget)?.map(Box::new),
            },
            Type::Flags(flags) => Self::Flags(names(&mut flags.names())),
            Type::Own(_) | Type::Borrow(_) => return Err(Unsupported::Kind("resource")),
            Type::Future(_) => return Err(Unsupported::Kind("future")),
            Type::Stream(_) => return Err(Unsupported::Kind("stream")),
            Type::ErrorContext => return Err(Unsupported::Kind("error context")),
            Type::Map(_) => return Err(Unsupported::Kind("map")),
            Type::FixedLengthList(_) => return Err(Unsupported::Kind("list of fixed length")),
        })
    }

    fn maybe(ty: Option<&Type>, budget: &mut Budget) -> Result<Option<Self>, Unsupported> {
        ty.map(|ty| Self::of(ty, budget)).transpose()
    }

    /// Whether a value of this shape may be written `null`, so that an option of it needs another sign.
    pub(crate) fn may_be_null(&self) -> bool {
        matches!(self, Self::Option(_))
    }
}

impl fmt::Display for Shape {
    /// As in WIT, with named types written out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool => f.write_str("bool"),
            Self::Integer(integer) => f.write_str(integer.name()),
            Self::Float32 => f.write_str("f32"),
            Self::Float64 => f.write_str("f64"),
            Self::Char => f.write_str("char"),
            Self::String => f.write_str("string"),
            Self::Bytes => f.write_str("list<u8>"),
            Self::List(item) => write!(f, "list<{item}>"),
            Self::Option(some) => write!(f, "option<{some}>"),
            Self::Tuple(items) => {
                f.write_str("tuple<")?;
                separated(f, items, |f, item| write!(f, "{item}"))?;
                f.write_str(">")
            }
            Self::Record(fields) => {
                f.write_str("record { ")?;
                separated(f, fields, |f, (name, field)| write!(f, "{name}: {field}"))?;
                f.write_str(" }")
            }
            Self::Variant(cases) => {
                f.write_str("variant { ")?;
                separated(f, cases, |f, (name, payload)| match payload {
                    Some(payload) => write!(f, "{name}({payload})"),
                    None => f.write_str(name),
                })?;
                f.write_str(" }")
            }
            Self::Enum(names) => write!(f, "enum {{ {} }}", names.join(", ")),
            Self::Flags(names) => write!(f, "flags {{ {} }}", names.join(", ")),
            Self::Result { ok: None, err: None } => f.write_str("result"),
            Self::Result { ok: Some(ok), err: None } => write!(f, "result<{ok}>"),
            Self::Result { ok: None, err: Some(err) } => write!(f, "result<_, {err}>"),
            Self::Result { ok: Some(ok), err: Some(err) } => write!(f, "result<{ok}, {err}>"),
        }
    }
}

fn separated<T>(
    f: &mut fmt::Formatter<'_>,
    items: &[T],
    write: impl Fn(&mut fmt::Formatter<'_>, &T) -> fmt::Result,
) -> fmt::Result {
    for (at, item) in items.iter().enumerate() {
        if at > 0 {
            f.write_str(", ")?;
        }
        write(f, item)?;
    }
    Ok(())
}

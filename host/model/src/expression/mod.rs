//! What playbooks compute: references, expressions and texts with holes.
//!
//! A [`Template`] is a JSON value in whose strings may stand `$input.a` (the value itself, whatever its
//! type), `{{ expression }}` (likewise, when it is the whole string) or a longer text with `{{ … }}` and
//! `${…}` (inserted as text). `when` takes a bare [`Expression`]. The language of expressions is Jinja's,
//! strict about undefined names, with a fuel limit and bounds on what it makes.
//!
//! Everything is compiled when the playbook loads and can do nothing but compute. Plain references, which
//! are nearly all that playbooks have, never enter the expression engine.

mod bounds;
mod jinja;
mod reference;
mod scope;
mod template;
mod tokens;

pub use jinja::Expression;
pub use reference::Reference;
pub use scope::{Done, Scope};
pub use template::Template;

use crate::ids::StepName;

/// The names that expressions may begin with.
pub const ROOTS: [&str; 3] = ["input", "steps", "execution"];

/// Why a text is not an expression. Its position is the caller's to tell.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Mistake {
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub hint: Option<String>,
}

impl Mistake {
    pub(crate) fn new(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { message: message.into(), hint: Some(hint.into()) }
    }
}

/// Why an expression gave no value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{source_text}`: {reason}")]
pub struct EvalError {
    /// The expression.
    pub source_text: String,
    /// What went wrong.
    pub reason: String,
}

/// What a step reads of another: `steps.<step>.result.<field>…`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct StepUse {
    /// The step that is read.
    pub step: StepName,
    /// The field of its result, when one is named.
    pub field: Option<String>,
}

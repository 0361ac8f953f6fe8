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
pub use scope::{Done, Item, Level, Scope};
pub use template::Template;

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::ids::StepName;

/// The names that every expression may begin with.
pub const ROOTS: [&str; 4] = ["input", "steps", "execution", "vars"];

/// The names that expressions may begin with in one place of a playbook, beside [`ROOTS`].
#[derive(Debug, Clone, Copy, Default)]
pub struct Names<'n> {
    /// What the loops around it call their items.
    pub items: &'n [Arc<str>],
    /// An outside event is looked at here.
    pub event: bool,
    /// What there is of [`ROOTS`] before an execution begins; absent when all of them are there.
    pub only: Option<&'static [&'static str]>,
}

impl Names<'_> {
    fn roots(&self) -> &'static [&'static str] {
        self.only.unwrap_or(&ROOTS)
    }

    fn allow(&self, name: &str) -> bool {
        self.roots().contains(&name)
            || self.items.iter().any(|item| **item == *name)
            || (name == "index" && !self.items.is_empty())
            || (name == "event" && self.event)
    }

    /// What to do about a name that means something elsewhere.
    fn elsewhere(name: &str) -> Option<String> {
        let hint = match name {
            "event" => {
                "an event is looked at in `match`; later it is the result of the step that waited: $steps.NAME.result"
            }
            "item" | "index" => {
                "only a step with `forEach`, and what is inside of it, has an item and an index"
            }
            _ => return None,
        };
        Some(hint.to_owned())
    }

    /// For a hint.
    fn list(&self, before: &str) -> String {
        let mut names: Vec<&str> = self.roots().to_vec();
        names.extend(self.items.iter().map(|item| &**item));
        names.extend((!self.items.is_empty()).then_some("index"));
        names.extend(self.event.then_some("event"));
        let last = names.pop().unwrap_or_default();
        if names.is_empty() {
            return format!("{before}{last}");
        }
        let first: Vec<String> = names.iter().map(|name| format!("{before}{name}")).collect();
        format!("{} or {before}{last}", first.join(", "))
    }
}

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

/// Everything that a piece of a playbook reads.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Uses {
    /// Of steps.
    pub steps: BTreeSet<StepUse>,
    /// `vars`, by name.
    pub vars: BTreeSet<String>,
}

impl Uses {
    /// These and those.
    pub fn add(&mut self, other: &Self) {
        self.steps.extend(other.steps.iter().cloned());
        self.vars.extend(other.vars.iter().cloned());
    }
}

//! The values that expressions see.

use std::collections::BTreeMap;
use std::sync::Arc;

use minijinja::value::{Enumerator, Object, Serde, Value as Jinja};
use serde_json::Value;

use crate::ids::StepName;

/// The data of an execution, as far as it has come.
#[derive(Debug, Clone, PartialEq)]
pub struct Scope {
    /// `execution`: id, runtime, environment, playbook, startedAt.
    pub execution: Arc<Value>,
    /// `input`.
    pub input: Arc<Value>,
    /// `steps`: those that have ended.
    pub steps: Arc<BTreeMap<StepName, Done>>,
}

/// How a step ended, for those that come after it.
#[derive(Debug, Clone, PartialEq)]
pub enum Done {
    /// With a result.
    Result(Arc<Value>),
    /// Not at all: its `when` was false. Its result, and all that is read from it, is null.
    Skipped,
}

impl Done {
    fn status(&self) -> &'static str {
        match self {
            Self::Result(_) => "succeeded",
            Self::Skipped => "skipped",
        }
    }
}

impl Scope {
    /// The whole as an object of the expression engine. Parts are converted when they are asked for.
    pub(super) fn to_jinja(&self) -> Jinja {
        Jinja::from_object(Root(self.clone()))
    }
}

#[derive(Debug)]
struct Root(Scope);

impl Object for Root {
    fn get_value(self: &Arc<Self>, key: &Jinja) -> Option<Jinja> {
        match key.as_str()? {
            "input" => Some(Jinja::from(Serde(&*self.0.input))),
            "execution" => Some(Jinja::from(Serde(&*self.0.execution))),
            "steps" => Some(Jinja::from_object(Steps(Arc::clone(&self.0.steps)))),
            _ => None,
        }
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Str(&super::ROOTS)
    }
}

#[derive(Debug)]
struct Steps(Arc<BTreeMap<StepName, Done>>);

impl Object for Steps {
    fn get_value(self: &Arc<Self>, key: &Jinja) -> Option<Jinja> {
        let name: StepName = key.as_str()?.parse().ok()?;
        let done = self.0.get(&name)?;
        let result = match done {
            Done::Result(value) => Jinja::from(Serde(&**value)),
            Done::Skipped => Jinja::from(()),
        };
        Some(Jinja::from_pairs([("status", Jinja::from(done.status())), ("result", result)]))
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Values(self.0.keys().map(|name| Jinja::from(name.as_str())).collect())
    }
}

impl Scope {
    /// What a plain path leads to: `None` when nothing is there.
    pub(super) fn follow(&self, root: &str, path: &[super::reference::Segment]) -> Option<Value> {
        match root {
            "input" => walk(&self.input, path).cloned(),
            "execution" => walk(&self.execution, path).cloned(),
            _ => self.follow_step(path),
        }
    }

    fn follow_step(&self, path: &[super::reference::Segment]) -> Option<Value> {
        let (name, rest) = path.split_first()?;
        let (part, rest) = rest.split_first()?;
        let done = self.steps.get(&name.key()?.parse().ok()?)?;
        match (part.key()?, done) {
            ("status", done) => rest.is_empty().then(|| Value::from(done.status())),
            ("result", Done::Result(value)) => walk(value, rest).cloned(),
            ("result", Done::Skipped) => Some(Value::Null),
            _ => None,
        }
    }
}

fn walk<'v>(value: &'v Value, path: &[super::reference::Segment]) -> Option<&'v Value> {
    path.iter().try_fold(value, |value, segment| segment.of(value))
}

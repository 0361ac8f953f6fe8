//! The values that expressions see.
//!
//! The data of an execution lies in levels: one for the playbook, and one more for every loop iteration
//! around a step. A step sees those of its own level first, then those around it.

use std::collections::BTreeMap;
use std::sync::Arc;

use minijinja::value::{Enumerator, Object, Serde, Value as Jinja};
use serde_json::{Map, Value};

use crate::failure::Failure;
use crate::ids::StepName;

use super::reference::Segment;

/// What ended and what was set, in the playbook itself or in one iteration of a loop.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Level {
    /// `steps`: those that have ended.
    pub steps: Arc<BTreeMap<StepName, Done>>,
    /// `vars`: what `set` computed.
    pub vars: Arc<Map<String, Value>>,
    /// What a loop's iteration is about.
    pub item: Option<Item>,
}

/// What one iteration of a loop is about.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    /// Its name in expressions: `item`, or what `as` says.
    pub name: Arc<str>,
    /// An element of the list.
    pub value: Arc<Value>,
    /// Its place in the list, 0 for the first.
    pub index: u32,
}

/// How a step ended, for those that come after it.
#[derive(Debug, Clone, PartialEq)]
pub enum Done {
    /// With a result.
    Result(Arc<Value>),
    /// Not at all: its `when` was false. Its result, and all that is read from it, is null.
    Skipped,
    /// It failed, and its playbook goes on. Its result is null.
    Failed(Arc<Failure>),
}

impl Done {
    fn status(&self) -> &'static str {
        match self {
            Self::Result(_) => "succeeded",
            Self::Skipped => "skipped",
            Self::Failed(_) => "failed",
        }
    }

    fn failure(&self) -> Value {
        match self {
            Self::Failed(failure) => serde_json::json!({
                "kind": failure.kind.as_str(), "code": failure.code, "message": failure.message,
            }),
            _ => Value::Null,
        }
    }
}

/// What an expression sees: borrowed from an execution's state.
#[derive(Debug, Clone)]
pub struct Scope<'s> {
    /// `execution`: id, runtime, environment, playbook, startedAt.
    pub execution: &'s Arc<Value>,
    /// `input`.
    pub input: &'s Arc<Value>,
    /// `event`, where an outside event is looked at.
    pub event: Option<&'s Arc<Value>>,
    /// Of the playbook itself.
    pub root: &'s Level,
    /// Of the iterations around the step, the outermost first.
    pub inner: Vec<&'s Level>,
}

impl Scope<'_> {
    /// The whole as an object of the expression engine. Parts are converted when they are asked for.
    pub(super) fn to_jinja(&self) -> Jinja {
        Jinja::from_object(Root {
            execution: Arc::clone(self.execution),
            input: Arc::clone(self.input),
            event: self.event.map(Arc::clone),
            levels: Arc::new(self.levels().cloned().collect()),
        })
    }

    /// The nearest level first.
    fn levels(&self) -> impl Iterator<Item = &Level> {
        self.inner.iter().rev().copied().chain([self.root])
    }

    /// What a plain path leads to: `None` when nothing is there.
    pub(super) fn follow(&self, root: &str, path: &[Segment]) -> Option<Value> {
        match root {
            "input" => walk(self.input, path).cloned(),
            "execution" => walk(self.execution, path).cloned(),
            "event" => walk(self.event?, path).cloned(),
            "steps" => self.follow_step(path),
            "vars" => {
                let (name, rest) = path.split_first()?;
                let name = name.key()?;
                walk(self.levels().find_map(|level| level.vars.get(name))?, rest).cloned()
            }
            name => {
                let items = || self.levels().filter_map(|level| level.item.as_ref());
                match items().find(|item| *item.name == *name) {
                    Some(item) => walk(&item.value, path).cloned(),
                    None if name == "index" && path.is_empty() => {
                        items().next().map(|item| item.index.into())
                    }
                    None => None,
                }
            }
        }
    }

    fn follow_step(&self, path: &[Segment]) -> Option<Value> {
        let (name, rest) = path.split_first()?;
        let (part, rest) = rest.split_first()?;
        let name = name.key()?.parse().ok()?;
        let done = self.levels().find_map(|level| level.steps.get(&name))?;
        match (part.key()?, done) {
            ("status", done) => rest.is_empty().then(|| Value::from(done.status())),
            ("failure", Done::Failed(_)) => walk(&done.failure(), rest).cloned(),
            ("result", Done::Result(value)) => walk(value, rest).cloned(),
            ("result" | "failure", _) => Some(Value::Null),
            _ => None,
        }
    }
}

fn walk<'v>(value: &'v Value, path: &[Segment]) -> Option<&'v Value> {
    path.iter().try_fold(value, |value, segment| segment.of(value))
}

type Levels = Arc<Vec<Level>>;

#[derive(Debug)]
struct Root {
    execution: Arc<Value>,
    input: Arc<Value>,
    event: Option<Arc<Value>>,
    levels: Levels,
}

impl Object for Root {
    fn get_value(self: &Arc<Self>, key: &Jinja) -> Option<Jinja> {
        match key.as_str()? {
            "input" => Some(Jinja::from(Serde(&*self.input))),
            "execution" => Some(Jinja::from(Serde(&*self.execution))),
            "event" if self.event.is_some() => Some(Jinja::from(Serde(self.event.as_deref()?))),
            "steps" => Some(Jinja::from_object(Steps(Arc::clone(&self.levels)))),
            "vars" => Some(Jinja::from_object(Vars(Arc::clone(&self.levels)))),
            name => {
                let mut items = self.levels.iter().filter_map(|level| level.item.as_ref());
                match items.clone().find(|item| *item.name == *name) {
                    Some(item) => Some(Jinja::from(Serde(&*item.value))),
                    None if name == "index" => items.next().map(|item| Jinja::from(item.index)),
                    None => None,
                }
            }
        }
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Str(&super::ROOTS)
    }
}

#[derive(Debug)]
struct Steps(Levels);

impl Object for Steps {
    fn get_value(self: &Arc<Self>, key: &Jinja) -> Option<Jinja> {
        let name: StepName = key.as_str()?.parse().ok()?;
        let done = self.0.iter().find_map(|level| level.steps.get(&name))?;
        let result = match done {
            Done::Result(value) => Jinja::from(Serde(&**value)),
            Done::Skipped | Done::Failed(_) => Jinja::from(()),
        };
        let failure = Jinja::from(Serde(&done.failure()));
        Some(Jinja::from_pairs([
            ("status", Jinja::from(done.status())),
            ("result", result),
            ("failure", failure),
        ]))
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        let names: Vec<_> = self.0.iter().flat_map(|level| level.steps.keys()).collect();
        Enumerator::Values(names.into_iter().map(|name| Jinja::from(name.as_str())).collect())
    }
}

#[derive(Debug)]
struct Vars(Levels);

impl Object for Vars {
    fn get_value(self: &Arc<Self>, key: &Jinja) -> Option<Jinja> {
        let name = key.as_str()?;
        self.0.iter().find_map(|level| level.vars.get(name)).map(|value| Jinja::from(Serde(value)))
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        let names: Vec<_> = self.0.iter().flat_map(|level| level.vars.keys()).collect();
        Enumerator::Values(names.into_iter().map(|name| Jinja::from(name.as_str())).collect())
    }
}

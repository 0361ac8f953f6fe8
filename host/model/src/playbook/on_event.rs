//! The outside event that starts a playbook.
//!
//! Not here: who sends it, and whether it was sent before (the engine's doors).

use std::sync::Arc;

use serde_json::Value;

use crate::expression::{EvalError, Expression, Level, Scope, Template};

/// The outside event that starts a playbook.
#[derive(Debug)]
pub struct OnEvent {
    /// Its name.
    pub event: String,
    /// It must hold, with the event's payload as `event`.
    pub matches: Option<Expression>,
    /// What the playbook is given. The payload itself when absent.
    pub input: Option<Template>,
}

impl OnEvent {
    /// What the playbook is given for an event, if it is one that starts it. A `match` that cannot be computed, because
    /// the payload has not what it looks at, does not hold.
    ///
    /// # Errors
    ///
    /// When `input` cannot be computed.
    pub fn input_for(&self, event: &str, payload: &Arc<Value>) -> Option<Result<Arc<Value>, EvalError>> {
        let (nothing, root) = (Arc::new(Value::Null), Level::default());
        let scope = Scope {
            execution: &nothing,
            input: &nothing,
            event: Some(payload),
            root: &root,
            inner: Vec::new(),
        };
        let starts = self.event == event
            && self.matches.as_ref().is_none_or(|matches| matches.holds(&scope).unwrap_or(false));
        starts.then(|| match &self.input {
            Some(input) => input.eval(&scope).map(Arc::new),
            None => Ok(Arc::clone(payload)),
        })
    }
}

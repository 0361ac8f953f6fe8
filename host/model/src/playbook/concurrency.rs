//! How many executions of a playbook may be at work at once.
//!
//! Not here: whether there is room now (the engine asks its store).

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::expression::{EvalError, Level, Scope, Template};
use crate::ids::{Digest, PlaybookName};

/// The label that holds the key of an execution.
pub const KEY_LABEL: &str = "concurrencyKey";
/// Longest text of a key; of a longer one its digest counts.
const MAX_KEY: usize = 150;

/// How many executions may be at work at once.
#[derive(Debug)]
pub struct Concurrency {
    /// Executions with the same key count. Absent: all of the playbook do.
    pub key: Option<Template>,
    /// How many of them.
    pub max: usize,
    /// What becomes of one more.
    pub strategy: Strategy,
}

/// What becomes of an execution when as many as may be are at work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Strategy {
    /// It begins when one of them has ended.
    #[default]
    Queue,
    /// It is refused.
    Reject,
    /// Those that were there first are cancelled, and it begins when they have ended.
    CancelOldest,
}

impl Concurrency {
    /// The key of an execution with this input: the name of its playbook, and what `key` gives.
    ///
    /// # Errors
    ///
    /// When `key` cannot be computed of this input.
    pub fn key_for(&self, playbook: &PlaybookName, input: &Arc<Value>) -> Result<String, EvalError> {
        let Some(key) = &self.key else { return Ok(playbook.to_string()) };
        let (nothing, root) = (Arc::new(Value::Null), Level::default());
        let scope = Scope { execution: &nothing, input, event: None, root: &root, inner: Vec::new() };
        let key = match key.eval(&scope)? {
            Value::String(text) => text,
            other => other.to_string(),
        };
        Ok(match key.len() {
            0..=MAX_KEY => format!("{playbook}/{key}"),
            _ => format!("{playbook}/{}", Digest::of(key.as_bytes())),
        })
    }
}

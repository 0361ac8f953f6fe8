//! Results of pure operations that need no call, for steps with `cache`.

use std::sync::Arc;

use orgata_model::execution::Attempt;
use orgata_model::operation::Operation;
use orgata_model::playbook::Cache;
use serde_json::Value;

use crate::results::ResultKey;

use super::Driver;

impl Driver {
    /// The result that an earlier call of the same pure operation with the same input gave, if the step may have it.
    pub(super) fn known_result(
        &self,
        at: usize,
        operation: &Operation,
        attempt: &Attempt,
    ) -> Option<Arc<Value>> {
        let (rule, key) = self.result_key(at, operation, attempt)?;
        self.host.results.get(&key, rule, self.host.clock.now())
    }

    /// What the result of an attempt is kept by, if it may be. What a person answered is no part of the input.
    pub(super) fn result_key(
        &self,
        at: usize,
        operation: &Operation,
        attempt: &Attempt,
    ) -> Option<(Cache, ResultKey)> {
        let step = self.state.playbook.steps.get(at)?;
        let rule = step.cache.filter(|_| attempt.resumption.is_none())?;
        let key = ResultKey::of(&self.state.runtime, operation, step.role.as_ref(), &attempt.input)?;
        Some((rule, key))
    }
}

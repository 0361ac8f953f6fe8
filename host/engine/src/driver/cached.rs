//! Results of pure operations that need no call, for steps with `cache`.

use orgata_model::execution::Attempt;
use orgata_model::operation::Operation;
use orgata_model::playbook::Cache;

use crate::results::ResultKey;

use super::Driver;

impl Driver {
    /// How long the result of an attempt is good for others, and what it is kept by, if it may be kept. What a person
    /// answered is no part of the input.
    pub(super) fn cache_of(
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

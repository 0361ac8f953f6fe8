//! `orgata:plugin/kv-read` and `orgata:plugin/kv`: durable state of a plugin in a runtime.
//!
//! Which plugin and which runtime follows from the call, never from what the guest says: there is no way to name another's.
//! Secrets that the guest was given are not kept.

use std::sync::Arc;

use orgata_engine::Want;
use orgata_engine::ports::StateOwner;
use orgata_engine::states::{PluginStates, StateError};
use orgata_model::operation::EffectClass;
use wasmtime::component::HasSelf;

use super::Capability;
use crate::bindings::host::access::AccessError;
use crate::bindings::host::{kv, kv_read};
use crate::guest::Guest;

/// What lets a plugin keep state.
const GRANT: &str = "kv: true";

pub(super) const READING: Capability = Capability {
    interfaces: &["orgata:plugin/kv-read"],
    effect: EffectClass::Observing,
    link: |linker| kv_read::add_to_linker::<_, HasSelf<Guest>>(linker, Guest::entered),
};

pub(super) const WRITING: Capability = Capability {
    interfaces: &["orgata:plugin/kv"],
    effect: EffectClass::Effectful,
    link: |linker| kv::add_to_linker::<_, HasSelf<Guest>>(linker, Guest::entered),
};

impl kv_read::Host for Guest {
    async fn get(&mut self, key: String) -> wasmtime::Result<Result<Option<String>, AccessError>> {
        let (states, owner) = match self.state("reading the plugin's state") {
            Ok(state) => state,
            Err(error) => return Ok(Err(error)),
        };
        let found = states.get(&owner, &key).await;
        Ok(found.map_err(|error| self.refused(&error)))
    }

    async fn list(
        &mut self,
        prefix: String,
        limit: u32,
    ) -> wasmtime::Result<Result<Vec<String>, AccessError>> {
        let (states, owner) = match self.state("listing the plugin's state") {
            Ok(state) => state,
            Err(error) => return Ok(Err(error)),
        };
        let found = states.keys(&owner, &prefix, usize::try_from(limit).unwrap_or(usize::MAX)).await;
        Ok(found.map_err(|error| self.refused(&error)))
    }
}

impl kv::Host for Guest {
    async fn set(&mut self, key: String, value: String) -> wasmtime::Result<Result<(), AccessError>> {
        let (states, owner) = match self.state("writing the plugin's state") {
            Ok(state) => state,
            Err(error) => return Ok(Err(error)),
        };
        let (key, value) = (self.scope.given.redacted(&key), self.scope.given.redacted_json(value));
        let done = states.set(&owner, &key, &value).await;
        Ok(done.map_err(|error| self.refused(&error)))
    }

    async fn delete(&mut self, key: String) -> wasmtime::Result<Result<(), AccessError>> {
        let (states, owner) = match self.state("deleting from the plugin's state") {
            Ok(state) => state,
            Err(error) => return Ok(Err(error)),
        };
        let done = states.delete(&owner, &key).await;
        Ok(done.map_err(|error| self.refused(&error)))
    }

    async fn compare_and_set(
        &mut self,
        key: String,
        expected: Option<String>,
        value: String,
    ) -> wasmtime::Result<Result<bool, AccessError>> {
        let (states, owner) = match self.state("writing the plugin's state") {
            Ok(state) => state,
            Err(error) => return Ok(Err(error)),
        };
        let (key, value) = (self.scope.given.redacted(&key), self.scope.given.redacted_json(value));
        let done = states.compare_and_set(&owner, &key, expected.as_deref(), &value).await;
        Ok(done.map_err(|error| self.refused(&error)))
    }
}

impl Guest {
    /// The state of the plugin that is called, in the runtime that it is called in.
    fn state(&self, what: &str) -> Result<(Arc<PluginStates>, StateOwner), AccessError> {
        let scope = &self.scope;
        let granted = scope.granted().is_some_and(|grants| grants.kv);
        match &scope.session.states {
            Some(states) if granted => {
                scope.reached(Want::Kv, "state");
                Ok((Arc::clone(states), states.of(&scope.session.runtime, &scope.plugin)))
            }
            _ => Err(self.denied(Want::Kv, what, GRANT)),
        }
    }

    fn refused(&self, error: &StateError) -> AccessError {
        match error {
            StateError::Bound(why) => self.absent(why.clone()),
            // Where the host keeps things is none of a guest's business.
            StateError::Store(error) => {
                tracing::warn!(%error, plugin = %self.scope.plugin, "the state of a plugin cannot be had");
                self.absent("the store is unavailable: try again later".to_owned())
            }
        }
    }
}

//! What a store keeps beside executions, in memory: for simulations and tests, which end before it matters.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use orgata_model::{Digest, PluginName, RuntimeId, SecretName};

use super::audit::{AuditLog, AuditQuery};
use super::grants::GrantStore;
use super::secrets::{SealedSecret, SecretStore};
use super::state::{StateOwner, StateSize, StateStore};
use super::store::{Page, StoreError};
use crate::access::{AuditHead, AuditLine, AuditRecord};
use crate::grants::Standing;

/// All of it.
#[derive(Debug, Default)]
pub struct InMemory {
    audit: Mutex<Vec<AuditLine>>,
    anchor: Mutex<Option<AuditHead>>,
    secrets: Mutex<BTreeMap<SecretName, SealedSecret>>,
    states: Mutex<BTreeMap<StateOwner, BTreeMap<String, String>>>,
    standings: Mutex<BTreeMap<(RuntimeId, PluginName), Standing>>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[async_trait::async_trait]
impl AuditLog for InMemory {
    fn audit(&self, record: AuditRecord) -> Result<(), StoreError> {
        let mut lines = locked(&self.audit);
        let head = match lines.last() {
            Some(line) => line.head(),
            None => {
                let first = AuditLine::first(record.at, Digest::of(b"in memory"));
                let head = first.head();
                lines.push(first);
                head
            }
        };
        lines.push(AuditLine::after(head, record));
        Ok(())
    }

    async fn audit_lines(&self, query: &AuditQuery) -> Result<Page<AuditLine>, StoreError> {
        let mut lines: Vec<_> =
            locked(&self.audit).iter().filter(|line| query.wants(line)).cloned().collect();
        if !query.oldest_first {
            lines.reverse();
        }
        if let Some(cursor) = &query.cursor {
            let after: u64 = cursor.parse().map_err(|_| StoreError::Cursor)?;
            let begin = lines.iter().position(|line| line.seq == after).map_or(0, |at| at + 1);
            lines.drain(..begin);
        }
        let more = lines.len() > query.limit;
        lines.truncate(query.limit);
        let next = lines.last().filter(|_| more).map(|line| line.seq.to_string());
        Ok(Page { items: lines, next })
    }

    async fn audit_to_go(&self, before: Timestamp) -> Result<Option<AuditHead>, StoreError> {
        let lines = locked(&self.audit);
        let newest = lines.len().saturating_sub(1);
        Ok(lines.iter().take(newest).take_while(|line| line.at < before).last().map(AuditLine::head))
    }

    async fn trim_audit(&self, last: AuditHead) -> Result<(), StoreError> {
        locked(&self.audit).retain(|line| line.seq > last.seq);
        *locked(&self.anchor) = Some(last);
        Ok(())
    }

    async fn audit_anchor(&self) -> Result<Option<AuditHead>, StoreError> {
        Ok(*locked(&self.anchor))
    }
}

#[async_trait::async_trait]
impl SecretStore for InMemory {
    async fn secrets(&self) -> Result<Vec<SealedSecret>, StoreError> {
        Ok(locked(&self.secrets).values().cloned().collect())
    }

    async fn put_secrets(&self, secrets: &[SealedSecret]) -> Result<(), StoreError> {
        locked(&self.secrets).extend(secrets.iter().map(|secret| (secret.name.clone(), secret.clone())));
        Ok(())
    }

    async fn remove_secret(&self, name: &SecretName) -> Result<bool, StoreError> {
        Ok(locked(&self.secrets).remove(name).is_some())
    }
}

#[async_trait::async_trait]
impl StateStore for InMemory {
    async fn state(&self, of: &StateOwner, key: &str) -> Result<Option<String>, StoreError> {
        Ok(locked(&self.states).get(of).and_then(|state| state.get(key)).cloned())
    }

    async fn state_keys(
        &self,
        of: &StateOwner,
        prefix: &str,
        limit: usize,
    ) -> Result<Vec<String>, StoreError> {
        let states = locked(&self.states);
        let keys = states.get(of).into_iter().flat_map(|state| state.keys());
        Ok(keys.filter(|key| key.starts_with(prefix)).take(limit).cloned().collect())
    }

    async fn put_state(&self, of: &StateOwner, key: &str, value: Option<&str>) -> Result<(), StoreError> {
        let mut states = locked(&self.states);
        let state = states.entry(of.clone()).or_default();
        match value {
            Some(value) => state.insert(key.to_owned(), value.to_owned()),
            None => state.remove(key),
        };
        Ok(())
    }

    async fn state_size(&self, of: &StateOwner) -> Result<StateSize, StoreError> {
        let states = locked(&self.states);
        let state = states.get(of).into_iter().flatten();
        Ok(state.fold(StateSize::default(), |size, (key, value)| StateSize {
            keys: size.keys + 1,
            bytes: size.bytes + (key.len() + value.len()) as u64,
        }))
    }
}

#[async_trait::async_trait]
impl GrantStore for InMemory {
    async fn standings(&self) -> Result<Vec<Standing>, StoreError> {
        Ok(locked(&self.standings).values().cloned().collect())
    }

    async fn put_standings(&self, standings: &[Standing]) -> Result<(), StoreError> {
        let of = |standing: &Standing| (standing.runtime.clone(), standing.plugin.clone());
        locked(&self.standings).extend(standings.iter().map(|standing| (of(standing), standing.clone())));
        Ok(())
    }

    async fn forget_standings(&self, runtime: &RuntimeId) -> Result<(), StoreError> {
        locked(&self.standings).retain(|(of, _), _| of != runtime);
        Ok(())
    }
}

//! The state that plugins keep: durable, bounded, and each plugin's own in each runtime.
//!
//! Changes of one owner come one after the other, so that comparing and setting are one. A change is durable when it is
//! told to be done. A guest that is stopped in the middle of one may find it done.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use orgata_model::{PluginName, RuntimeId};
use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};

use crate::ports::{StateOwner, StateSize, Store, StoreError};

/// Longest key, in bytes.
pub const MOST_KEY: usize = 512;
/// Longest value, in bytes of JSON.
pub const MOST_VALUE: usize = 256 * 1024;
/// Most keys of one owner.
pub const MOST_KEYS: u64 = 10_000;
/// Most bytes of one owner, keys and values together.
pub const MOST_BYTES: u64 = 16 * 1024 * 1024;
/// Most keys in one list.
pub const MOST_LISTED: usize = 1_000;

/// Why state cannot be had or changed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StateError {
    /// A bound is reached.
    #[error("{0}")]
    Bound(String),
    /// The store cannot work now.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What one owner keeps is counted once, and then along with each change; forgotten while a change is under way.
type Counted = Arc<AsyncMutex<Option<StateSize>>>;

/// The state of all plugins.
pub struct PluginStates {
    store: Arc<dyn Store>,
    owners: Mutex<HashMap<StateOwner, Weak<AsyncMutex<Option<StateSize>>>>>,
}

impl std::fmt::Debug for PluginStates {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PluginStates")
    }
}

impl PluginStates {
    /// Over this store.
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self { store, owners: Mutex::default() }
    }

    /// The state of one plugin in one runtime.
    pub fn of(&self, runtime: &RuntimeId, plugin: &PluginName) -> StateOwner {
        StateOwner { runtime: runtime.clone(), plugin: plugin.clone() }
    }

    /// What a key holds.
    pub async fn get(&self, of: &StateOwner, key: &str) -> Result<Option<String>, StateError> {
        Ok(self.store.state_store().state(of, key).await?)
    }

    /// Keys that begin with this, in order.
    pub async fn keys(&self, of: &StateOwner, prefix: &str, limit: usize) -> Result<Vec<String>, StateError> {
        Ok(self.store.state_store().state_keys(of, prefix, limit.min(MOST_LISTED)).await?)
    }

    /// Makes a key hold this.
    pub async fn set(&self, of: &StateOwner, key: &str, value: &str) -> Result<(), StateError> {
        let mut counted = self.alone(of).await;
        self.change(of, &mut counted, key, Some(value)).await
    }

    /// Removes a key, if it is there.
    pub async fn delete(&self, of: &StateOwner, key: &str) -> Result<(), StateError> {
        let mut counted = self.alone(of).await;
        self.change(of, &mut counted, key, None).await
    }

    /// Makes a key hold `value` if it holds `expected` now; tells whether it did.
    pub async fn compare_and_set(
        &self,
        of: &StateOwner,
        key: &str,
        expected: Option<&str>,
        value: &str,
    ) -> Result<bool, StateError> {
        let mut counted = self.alone(of).await;
        if self.get(of, key).await?.as_deref() != expected {
            return Ok(false);
        }
        self.change(of, &mut counted, key, Some(value)).await?;
        Ok(true)
    }

    /// Waits until nobody else changes this owner's state.
    async fn alone(&self, of: &StateOwner) -> OwnedMutexGuard<Option<StateSize>> {
        let counted = {
            let mut owners = self.owners.lock().unwrap_or_else(PoisonError::into_inner);
            match owners.get(of).and_then(Weak::upgrade) {
                Some(counted) => counted,
                None => {
                    owners.retain(|_, counted| counted.strong_count() > 0);
                    let counted = Counted::default();
                    owners.insert(of.clone(), Arc::downgrade(&counted));
                    counted
                }
            }
        };
        counted.lock_owned().await
    }

    async fn change(
        &self,
        of: &StateOwner,
        counted: &mut Option<StateSize>,
        key: &str,
        value: Option<&str>,
    ) -> Result<(), StateError> {
        check(key, value)?;
        let store = self.store.state_store();
        let size = match counted.take() {
            Some(size) => size,
            None => store.state_size(of).await?,
        };
        let before = store.state(of, key).await?;
        let after = grown(size, key, before.as_deref(), value);
        if value.is_some() && (after.keys > MOST_KEYS || after.bytes > MOST_BYTES) {
            *counted = Some(size);
            let message = format!(
                "plugin {} keeps {} keys with {} bytes in runtime {}: it may keep {MOST_KEYS} keys and {MOST_BYTES} bytes",
                of.plugin, size.keys, size.bytes, of.runtime
            );
            return Err(StateError::Bound(message));
        }
        // Whoever is stopped here has not counted: the next one counts anew.
        store.put_state(of, key, value).await?;
        *counted = Some(after);
        Ok(())
    }
}

fn check(key: &str, value: Option<&str>) -> Result<(), StateError> {
    if key.is_empty() || key.len() > MOST_KEY || key.contains('\0') {
        return Err(StateError::Bound(format!("a key has 1 to {MOST_KEY} bytes, and no NUL among them")));
    }
    let Some(value) = value else { return Ok(()) };
    if value.len() > MOST_VALUE {
        let message = format!("the value has {} bytes, and {MOST_VALUE} at most may be", value.len());
        return Err(StateError::Bound(message));
    }
    match serde_json::from_str::<serde::de::IgnoredAny>(value) {
        Ok(_) => Ok(()),
        Err(error) => Err(StateError::Bound(format!("the value is not JSON: {error}"))),
    }
}

/// The size after a change.
fn grown(size: StateSize, key: &str, before: Option<&str>, after: Option<&str>) -> StateSize {
    let one = |value: Option<&str>| value.map_or((0, 0), |value| (1, (key.len() + value.len()) as u64));
    let ((keys_before, bytes_before), (keys_after, bytes_after)) = (one(before), one(after));
    StateSize {
        keys: (size.keys + keys_after).saturating_sub(keys_before),
        bytes: (size.bytes + bytes_after).saturating_sub(bytes_before),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_replaced_or_removed_gives_its_room_back() {
        let none = StateSize::default();
        let one = grown(none, "ab", None, Some("123"));
        assert_eq!(one, StateSize { keys: 1, bytes: 5 });
        assert_eq!(grown(one, "ab", Some("123"), Some("1")), StateSize { keys: 1, bytes: 3 });
        assert_eq!(grown(one, "ab", Some("123"), None), none);
        assert_eq!(grown(one, "xy", None, None), one);
    }

    #[test]
    fn what_no_key_or_value_can_be_is_refused() {
        assert!(check("a", Some("1")).is_ok() && check("a", None).is_ok());
        for (key, value) in [("", "1"), ("a\0b", "1"), ("a", "no json"), ("a", "")] {
            assert!(check(key, Some(value)).is_err(), "{key:?} {value:?}");
        }
        assert!(check(&"k".repeat(MOST_KEY + 1), None).is_err());
        assert!(check("a", Some(&format!("\"{}\"", "v".repeat(MOST_VALUE)))).is_err());
    }
}

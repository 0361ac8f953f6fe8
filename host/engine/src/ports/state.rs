//! Where plugins keep state of their own.

use orgata_model::{PluginName, RuntimeId};

use super::store::StoreError;

/// Whose state: one plugin's in one runtime, whatever its version.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StateOwner {
    /// The runtime.
    pub runtime: RuntimeId,
    /// The plugin.
    pub plugin: PluginName,
}

/// How much somebody keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StateSize {
    /// Keys.
    pub keys: u64,
    /// Bytes of keys and values together.
    pub bytes: u64,
}

/// Keeps the state of plugins. Whoever calls sees to it that changes of one owner come one after the other.
#[async_trait::async_trait]
pub trait StateStore: Send + Sync {
    /// What a key holds.
    async fn state(&self, of: &StateOwner, key: &str) -> Result<Option<String>, StoreError>;

    /// Keys that begin with this, in the order of their bytes, `limit` at most.
    async fn state_keys(
        &self,
        of: &StateOwner,
        prefix: &str,
        limit: usize,
    ) -> Result<Vec<String>, StoreError>;

    /// Makes a key hold this from now on; nothing removes it.
    async fn put_state(&self, of: &StateOwner, key: &str, value: Option<&str>) -> Result<(), StoreError>;

    /// How much there is.
    async fn state_size(&self, of: &StateOwner) -> Result<StateSize, StoreError>;
}

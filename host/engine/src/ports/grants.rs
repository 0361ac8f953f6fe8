//! Where it is kept how plugins stand in runtimes.

use orgata_model::RuntimeId;

use super::store::StoreError;
use crate::grants::Standing;

/// Keeps which versions of plugins are confirmed, pending and revoked in each runtime.
#[async_trait::async_trait]
pub trait GrantStore: Send + Sync {
    /// All of them.
    async fn standings(&self) -> Result<Vec<Standing>, StoreError>;

    /// Keeps these, each instead of what was kept of its plugin in its runtime; all or none.
    async fn put_standings(&self, standings: &[Standing]) -> Result<(), StoreError>;

    /// Forgets those of a runtime.
    async fn forget_standings(&self, runtime: &RuntimeId) -> Result<(), StoreError>;
}

//! Where secrets are kept: what they were sealed to, never what they are.

use jiff::Timestamp;
use orgata_model::SecretName;

use super::store::StoreError;

/// Keeps sealed secrets. It can tell what is sealed from random bytes as little as anybody else.
#[async_trait::async_trait]
pub trait SecretStore: Send + Sync {
    /// All of them, by name.
    async fn secrets(&self) -> Result<Vec<SealedSecret>, StoreError>;

    /// Keeps these, instead of what had their names before; all or none.
    async fn put_secrets(&self, secrets: &[SealedSecret]) -> Result<(), StoreError>;

    /// Forgets one. False when there was none.
    async fn remove_secret(&self, name: &SecretName) -> Result<bool, StoreError>;
}

/// A secret that cannot be read without its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedSecret {
    /// Its name.
    pub name: SecretName,
    /// The id of the key that it is sealed with.
    pub key: String,
    /// Number used once, and never with this key again.
    pub nonce: Vec<u8>,
    /// The sealed value.
    pub sealed: Vec<u8>,
    /// When its value was set.
    pub set_at: Timestamp,
    /// Who set it.
    pub set_by: String,
}

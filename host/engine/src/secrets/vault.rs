//! The secrets of a host, sealed, at hand: whoever may have one gets it without asking the store, and a change is seen by
//! the next who asks.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock};

use jiff::Timestamp;
use orgata_model::SecretName;
use secrecy::SecretString;

use super::seal::{SecretKey, SecretKeys, Unsealed};
use crate::ports::SealedSecret;

/// Sealed secrets, and the keys to them.
#[derive(Debug, Default)]
pub struct Vault {
    keys: SecretKeys,
    sealed: RwLock<BTreeMap<SecretName, SealedSecret>>,
    /// Counts changes: what was learnt at one count need not be learnt again at the same.
    changes: AtomicU64,
}

impl Vault {
    pub(crate) fn new(keys: SecretKeys) -> Self {
        Self { keys, ..Self::default() }
    }

    /// One that holds these and no store knows of: for a sandbox without an engine.
    pub fn holding(
        keys: SecretKeys,
        values: impl IntoIterator<Item = (SecretName, SecretString)>,
    ) -> Result<Self, Unsealed> {
        let vault = Self::new(keys);
        let key = vault.key().ok_or(Unsealed::NoKey)?;
        let mut sealed = Vec::new();
        for (name, value) in values {
            let (nonce, seal) = key.seal(&name, &value)?;
            let (set_at, set_by) = (Timestamp::UNIX_EPOCH, String::new());
            sealed.push(SealedSecret { name, key: key.id().to_owned(), nonce, sealed: seal, set_at, set_by });
        }
        vault.put(sealed);
        Ok(vault)
    }

    /// The value of a secret, if it is set. Whether it may be had is not looked at here.
    pub fn reveal(&self, name: &SecretName) -> Result<Option<SecretString>, Unsealed> {
        let sealed = self.sealed.read().unwrap_or_else(PoisonError::into_inner);
        sealed.get(name).map(|secret| self.open(secret)).transpose()
    }

    /// How often anything in it was changed.
    pub fn changes(&self) -> u64 {
        self.changes.load(Ordering::Acquire)
    }

    pub(super) fn open(&self, secret: &SealedSecret) -> Result<SecretString, Unsealed> {
        let key = self.keys.of(&secret.key).ok_or(Unsealed::NoKey)?;
        key.open(&secret.name, &secret.nonce, &secret.sealed)
    }

    pub(super) fn key(&self) -> Option<&SecretKey> {
        self.keys.present.as_ref()
    }

    pub(super) fn drops_unreadable(&self) -> bool {
        self.keys.drop_unreadable
    }

    pub(super) fn all(&self) -> Vec<SealedSecret> {
        self.sealed.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    pub(super) fn put(&self, secrets: impl IntoIterator<Item = SealedSecret>) {
        let mut sealed = self.sealed.write().unwrap_or_else(PoisonError::into_inner);
        sealed.extend(secrets.into_iter().map(|secret| (secret.name.clone(), secret)));
        self.changes.fetch_add(1, Ordering::Release);
    }

    pub(super) fn remove(&self, name: &SecretName) {
        self.sealed.write().unwrap_or_else(PoisonError::into_inner).remove(name);
        self.changes.fetch_add(1, Ordering::Release);
    }
}

//! Doors: secrets. They are set, listed, removed and sealed anew; no door gives a value back.
//!
//! Values reach plugins that were granted them by name, through the [`Vault`] in a session's context.
//! Not here: taking values out of what plugins say (`sandbox`), keeping what is sealed (`store-*`).

mod seal;
mod vault;

use std::sync::Arc;

use jiff::Timestamp;
use orgata_model::SecretName;
use orgata_model::runtime::Runtime;
use secrecy::{ExposeSecret as _, SecretString};
use tracing::{info, warn};

use crate::access::{Place, Subject, rules};
use crate::engine::Engine;
use crate::error::{EngineError, Thing};
use crate::host::Host;
use crate::ports::SealedSecret;
use crate::principal::Principal;

pub use seal::{NoKey, SecretKey, SecretKeys, Unsealed};
pub use vault::Vault;

/// Longest value, in bytes.
const MOST_BYTES: usize = 64 * 1024;
/// Most secrets: all of them are held in memory.
const MOST_SECRETS: usize = 10_000;

/// What is told of a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretInfo {
    /// Its name.
    pub name: SecretName,
    /// When its value was set.
    pub set_at: Timestamp,
    /// Who set it.
    pub set_by: String,
    /// The id of the key that it is sealed with.
    pub key: String,
}

/// What came of sealing all secrets anew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rotation {
    /// How many were sealed with another key before.
    pub resealed: usize,
    /// The id of the key that all are sealed with now.
    pub key: String,
}

impl From<&SealedSecret> for SecretInfo {
    fn from(secret: &SealedSecret) -> Self {
        Self {
            name: secret.name.clone(),
            set_at: secret.set_at,
            set_by: secret.set_by.clone(),
            key: secret.key.clone(),
        }
    }
}

impl Engine {
    /// Every secret, by name, without its value.
    pub fn secrets(&self, who: &Principal) -> Result<Vec<SecretInfo>, EngineError> {
        self.0.permit(who, &rules::SECRETS, Place::Host, subject("secrets"))?;
        Ok(self.0.vault.all().iter().map(SecretInfo::from).collect())
    }

    /// Sets a secret, new or instead of what it was. Plugins see it with their next call.
    pub async fn set_secret(
        &self,
        who: &Principal,
        name: &SecretName,
        value: SecretString,
    ) -> Result<SecretInfo, EngineError> {
        let work = async {
            let length = value.expose_secret().len();
            if !(1..=MOST_BYTES).contains(&length) {
                let message = format!("a secret has 1 to {MOST_BYTES} bytes, and this has {length}");
                return Err(EngineError::BadRequest(message));
            }
            let _one_at_a_time = self.0.changing.lock().await;
            let key = self.0.sealing_key()?;
            let known = self.0.vault.all();
            if known.len() >= MOST_SECRETS && !known.iter().any(|secret| secret.name == *name) {
                let message =
                    format!("there are {MOST_SECRETS} secrets, which is all that may be: remove one");
                return Err(EngineError::Refusal(message));
            }
            let (nonce, sealed) = key.seal(name, &value).map_err(|error| internal(name, error))?;
            let (set_at, set_by) = (self.0.clock.now(), who.name().to_owned());
            let secret =
                SealedSecret { name: name.clone(), key: key.id().to_owned(), nonce, sealed, set_at, set_by };
            self.0.store.secret_store().put_secrets(std::slice::from_ref(&secret)).await?;
            let told = SecretInfo::from(&secret);
            self.0.vault.put([secret]);
            info!(secret = %name, by = who.name(), "secret set");
            Ok(told)
        };
        self.0.guarded(who, &rules::SET_SECRET, Place::Host, subject(name.as_str()), work).await
    }

    /// Forgets a secret. Plugins that ask for it are told that it cannot be had.
    pub async fn remove_secret(&self, who: &Principal, name: &SecretName) -> Result<(), EngineError> {
        let work = async {
            let _one_at_a_time = self.0.changing.lock().await;
            if !self.0.store.secret_store().remove_secret(name).await? {
                return Err(EngineError::not_found(Thing::Secret, name));
            }
            self.0.vault.remove(name);
            info!(secret = %name, by = who.name(), "secret removed");
            Ok(())
        };
        self.0.guarded(who, &rules::REMOVE_SECRET, Place::Host, subject(name.as_str()), work).await
    }

    /// Seals with the present key what earlier ones sealed, all or nothing: after it they are not needed any more.
    pub async fn rotate_secrets(&self, who: &Principal) -> Result<Rotation, EngineError> {
        let work = async {
            let _one_at_a_time = self.0.changing.lock().await;
            let key = self.0.sealing_key()?;
            let mut anew = Vec::new();
            for secret in self.0.vault.all().into_iter().filter(|secret| secret.key != key.id()) {
                let value = self.0.vault.open(&secret).map_err(|error| internal(&secret.name, error))?;
                let (nonce, sealed) =
                    key.seal(&secret.name, &value).map_err(|error| internal(&secret.name, error))?;
                anew.push(SealedSecret { key: key.id().to_owned(), nonce, sealed, ..secret });
            }
            self.0.store.secret_store().put_secrets(&anew).await?;
            let rotation = Rotation { resealed: anew.len(), key: key.id().to_owned() };
            self.0.vault.put(anew);
            info!(resealed = rotation.resealed, key = rotation.key, by = who.name(), "secrets rotated");
            Ok(rotation)
        };
        self.0.guarded(who, &rules::ROTATE_SECRETS, Place::Host, subject("secrets"), work).await
    }
}

impl Host {
    /// Whoever makes a runtime may grant its plugins only secrets that it might as well set: or making one would be a way
    /// to all of them.
    pub(crate) fn may_grant_secrets(&self, who: &Principal, runtime: &Runtime) -> Result<(), EngineError> {
        let granted = runtime.grants.values().find_map(|grants| grants.secrets.first());
        // Whoever says where a key is sent might as well have it.
        let sent = runtime.model.as_ref().and_then(|model| model.api_key.as_ref());
        let Some(name) = granted.or(sent) else { return Ok(()) };
        self.permit(who, &rules::GRANT_SECRET, Place::Host, subject(name.as_str()))
    }

    fn sealing_key(&self) -> Result<&SecretKey, EngineError> {
        self.vault.key().ok_or_else(|| {
            EngineError::Refusal(
                "the host has no key to seal secrets with: name one in the configuration, as secrets.key.file or \
                 secrets.key.env, and start it again"
                    .to_owned(),
            )
        })
    }
}

/// Brings the sealed secrets into memory, and finds out whether every one opens: not in the night, when it is needed.
pub(crate) async fn recall(host: &Arc<Host>) -> Result<(), EngineError> {
    let mut unreadable = Vec::new();
    for secret in host.store.secret_store().secrets().await? {
        match host.vault.open(&secret) {
            Ok(_) => host.vault.put([secret]),
            Err(error) => unreadable.push((secret, error)),
        }
    }
    if host.vault.drops_unreadable() {
        for (secret, error) in &unreadable {
            warn!(secret = %secret.name, key = secret.key, %error, "a secret is forgotten, as configured");
            host.store.secret_store().remove_secret(&secret.name).await?;
        }
        return Ok(());
    }
    let Some((first, error)) = unreadable.first() else { return Ok(()) };
    let (name, key, count) = (&first.name, &first.key, unreadable.len());
    Err(EngineError::Unsealed(format!(
        "{count} of the secrets cannot be opened, {name} among them: {error}. It was sealed with the key {key}: name that \
         key under secrets.key, or under secrets.previousKeys if another is to take its place. If it is lost, start once \
         with secrets.dropUnreadable: true, which forgets them, and set them anew"
    )))
}

fn subject(name: &str) -> Subject<'_> {
    Subject { thing: Thing::Secret, name }
}

fn internal(name: &SecretName, error: Unsealed) -> EngineError {
    EngineError::Internal(format!("secret {name}: {error}"))
}

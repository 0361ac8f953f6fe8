//! The public keys of whoever issues tokens: a JWK set, in a file or at a URL.
//!
//! A file is read anew when it changes. A URL is asked now and then, and at once when a token names a key that is not
//! known; but not more often than [`AGAIN`], or strangers could have the host ask all the time. What cannot be read
//! leaves the keys as they were.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant, SystemTime};

use http::Uri;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, JwkSet, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey};
use tracing::{info, warn};

use super::fetch::{allowed, fetch};
use super::settings::{JwtSettings, KeysSettings};

/// How soon a URL is asked again because of a key that is not known.
const AGAIN: Duration = Duration::from_secs(10);

/// The keys, and where they come from.
pub(super) struct KeySet {
    source: Source,
    keys: RwLock<Arc<Vec<PublicKey>>>,
    seen: Mutex<Seen>,
    /// Held while somebody fetches: the others need not.
    fetching: tokio::sync::Mutex<()>,
}

enum Source {
    File(PathBuf),
    Url { uri: Uri, refresh: Duration },
}

/// What was looked at last, and when.
#[derive(Default)]
struct Seen {
    /// Of a file.
    changed: Option<SystemTime>,
    /// Of a URL: when it was last asked, and when because of a key that is not known.
    asked: Option<Instant>,
    missed: Option<Instant>,
}

/// One of the keys.
pub(super) struct PublicKey {
    id: Option<String>,
    algorithms: &'static [Algorithm],
    pub(super) key: DecodingKey,
}

impl KeySet {
    /// Reads the keys. A file must be there; a URL is asked again later.
    pub(super) async fn open(keys: &KeysSettings, jwt: &JwtSettings) -> Result<Self, String> {
        let source = match (&keys.file, &keys.url) {
            (Some(file), None) => Source::File(file.clone()),
            (None, Some(url)) => {
                let uri = allowed(url).map_err(|why| format!("authentication.jwt.keys.url: {why}"))?;
                Source::Url { uri, refresh: jwt.refresh.0 }
            }
            _ => return Err("authentication.jwt.keys: name a file or a url".to_owned()),
        };
        let set = Self {
            source,
            keys: RwLock::default(),
            seen: Mutex::default(),
            fetching: tokio::sync::Mutex::default(),
        };
        match (&set.source, set.read().await) {
            (Source::File(file), Err(why)) => {
                Err(format!("authentication.jwt.keys.file: {} {why}", file.display()))
            }
            _ => Ok(set),
        }
    }

    /// The keys that a token with this header may have been signed with.
    pub(super) async fn find(&self, id: Option<&str>, algorithm: Algorithm) -> Vec<DecodingKey> {
        if self.is_stale() {
            self.read_again().await;
        }
        let found = self.known(id, algorithm);
        if !found.is_empty() || !self.may_ask_again() {
            return found;
        }
        self.read_again().await;
        self.known(id, algorithm)
    }

    fn known(&self, id: Option<&str>, algorithm: Algorithm) -> Vec<DecodingKey> {
        let keys = Arc::clone(&self.keys.read().unwrap_or_else(PoisonError::into_inner));
        let fits = |key: &&PublicKey| {
            key.algorithms.contains(&algorithm)
                && (id.is_none() || key.id.is_none() || key.id.as_deref() == id)
        };
        keys.iter().filter(fits).map(|key| key.key.clone()).collect()
    }

    fn seen(&self) -> std::sync::MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_stale(&self) -> bool {
        match &self.source {
            Source::File(file) => self.seen().changed != changed(file),
            Source::Url { refresh, .. } => self.seen().asked.is_none_or(|asked| asked.elapsed() >= *refresh),
        }
    }

    /// Whether a key that is not known is a reason to ask now.
    fn may_ask_again(&self) -> bool {
        if matches!(self.source, Source::File(_)) {
            return false;
        }
        let mut seen = self.seen();
        let may = seen.missed.is_none_or(|missed| missed.elapsed() >= AGAIN);
        if may {
            seen.missed = Some(Instant::now());
        }
        may
    }

    /// Reads the keys; who comes meanwhile goes on with those that there are, if there are any.
    async fn read_again(&self) {
        let _one = match self.fetching.try_lock() {
            Ok(one) => one,
            Err(_) if !self.keys.read().unwrap_or_else(PoisonError::into_inner).is_empty() => return,
            // Somebody is at it: what they bring is for everybody.
            Err(_) => return drop(self.fetching.lock().await),
        };
        let _ = self.read().await;
    }

    async fn read(&self) -> Result<(), String> {
        let read = match &self.source {
            Source::File(file) => {
                self.seen().changed = changed(file);
                tokio::fs::read(file).await.map_err(|error| format!("cannot be read: {error}"))
            }
            Source::Url { uri, .. } => {
                self.seen().asked = Some(Instant::now());
                fetch(uri).await.map(Into::into)
            }
        };
        match read.and_then(|text: Vec<u8>| parse(&text)) {
            Ok(keys) => {
                info!(keys = keys.len(), "the keys of tokens are read");
                *self.keys.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(keys);
                Ok(())
            }
            Err(why) => {
                warn!(%why, from = %self.source, "the keys of tokens cannot be read: they stay as they are");
                Err(why)
            }
        }
    }
}

impl std::fmt::Display for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File(file) => file.display().fmt(f),
            Self::Url { uri, .. } => uri.fmt(f),
        }
    }
}

fn changed(file: &std::path::Path) -> Option<SystemTime> {
    std::fs::metadata(file).and_then(|file| file.modified()).ok()
}

/// The keys of a set that can be used; others are left out, for issuers have keys for other ends too.
fn parse(text: &[u8]) -> Result<Vec<PublicKey>, String> {
    let set: JwkSet = serde_json::from_slice(text).map_err(|error| format!("is no JWK set: {error}"))?;
    let keys: Vec<_> = set.keys.iter().filter_map(public_key).collect();
    if keys.is_empty() {
        return Err("has no public key that signatures can be checked with".to_owned());
    }
    Ok(keys)
}

fn public_key(jwk: &Jwk) -> Option<PublicKey> {
    if jwk.common.public_key_use.as_ref().is_some_and(|it| *it != PublicKeyUse::Signature) {
        return None;
    }
    let algorithms: &[Algorithm] = match &jwk.algorithm {
        AlgorithmParameters::RSA(_) => &[
            Algorithm::RS256,
            Algorithm::RS384,
            Algorithm::RS512,
            Algorithm::PS256,
            Algorithm::PS384,
            Algorithm::PS512,
        ],
        AlgorithmParameters::EllipticCurve(key) if key.curve == EllipticCurve::P256 => &[Algorithm::ES256],
        AlgorithmParameters::EllipticCurve(key) if key.curve == EllipticCurve::P384 => &[Algorithm::ES384],
        AlgorithmParameters::OctetKeyPair(key) if key.curve == EllipticCurve::Ed25519 => &[Algorithm::EdDSA],
        // A secret has no place in a document that everybody can read.
        _ => return None,
    };
    let key = DecodingKey::from_jwk(jwk).ok()?;
    Some(PublicKey { id: jwk.common.key_id.clone(), algorithms, key })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_gives_its_public_keys_and_no_secrets() {
        let ed = r#"{ "kty": "OKP", "crv": "Ed25519", "kid": "a", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" }"#;
        let secret = r#"{ "kty": "oct", "kid": "b", "k": "c2VjcmV0" }"#;
        let keys = parse(format!(r#"{{ "keys": [{ed}, {secret}] }}"#).as_bytes()).unwrap();
        assert_eq!(keys.len(), 1);
        assert_eq!(keys[0].algorithms, [Algorithm::EdDSA]);
        assert!(parse(format!(r#"{{ "keys": [{secret}] }}"#).as_bytes()).is_err());
        assert!(parse(b"{}").is_err() && parse(b"<html>").is_err());
    }
}

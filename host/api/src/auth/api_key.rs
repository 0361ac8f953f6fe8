//! Keys that callers bring: `orgata_<id>_<secret>`.
//!
//! The id is no secret, and says which key it is. The secret is 256 random bits, of which the host keeps a BLAKE3 digest:
//! so much randomness needs no slow digest. Digests are compared in constant time.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use orgata_engine::{Engine, Principal};
use orgata_model::KeyId;
use ring::rand::{SecureRandom as _, SystemRandom};
use subtle::ConstantTimeEq as _;

use crate::error::{ApiError, internal};

/// What all of them begin with, so that people and scanners know what they found.
pub(super) const PREFIX: &str = "orgata_";
/// Digits of an id, and of a secret.
const ID: usize = 32;
const SECRET: usize = 43;

/// The secret half of a key that is being made.
pub(crate) struct Secret(String);

impl Secret {
    /// A fresh one.
    pub(crate) fn fresh() -> Result<Self, ApiError> {
        let mut bytes = [0; 32];
        SystemRandom::new().fill(&mut bytes).map_err(|_| internal(&"the system has no randomness"))?;
        Ok(Self(URL_SAFE_NO_PAD.encode(bytes)))
    }

    /// What is kept of it.
    pub(crate) fn digest(&self) -> [u8; 32] {
        digest(&self.0)
    }

    /// The whole key, as its holder brings it. It is shown once.
    pub(crate) fn key(&self, id: KeyId) -> String {
        format!("{PREFIX}{}_{}", id.uuid().simple(), self.0)
    }

    /// The bare text, for what is no key of the store.
    pub(crate) fn into_text(self) -> String {
        self.0
    }
}

/// The digest of a secret.
pub(super) fn digest(secret: &str) -> [u8; 32] {
    *blake3::hash(secret.as_bytes()).as_bytes()
}

/// Whether two digests are the same, in a time that says nothing of where they differ.
pub(super) fn same(one: &[u8; 32], other: &[u8; 32]) -> bool {
    one.ct_eq(other).into()
}

/// Whoever holds this key, if it is good.
pub(super) fn holder(engine: &Engine, text: &str) -> Option<Principal> {
    let (id, secret) = parts(text)?;
    let brought = digest(secret);
    engine.holder(id, |kept| same(kept, &brought))
}

fn parts(text: &str) -> Option<(KeyId, &str)> {
    let (id, secret) = text.strip_prefix(PREFIX)?.split_once('_')?;
    if id.len() != ID || secret.len() != SECRET {
        return None;
    }
    Some((format!("key_{id}").parse().ok()?, secret))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_as_it_was_written() {
        let id = KeyId::new(uuid::Uuid::from_u128(7));
        let secret = Secret::fresh().unwrap();
        let text = secret.key(id);
        let (read, bare) = parts(&text).unwrap();
        assert_eq!(read, id);
        assert!(same(&digest(bare), &secret.digest()));
        assert!(!same(&digest(bare), &Secret::fresh().unwrap().digest()));
    }

    #[test]
    fn what_is_no_key_is_none() {
        let text = Secret::fresh().unwrap().key(KeyId::new(uuid::Uuid::from_u128(7)));
        for bad in
            ["", "orgata_", "orgata__", &text[1..], &text[..text.len() - 1], &format!("{text}A"), "a.b.c"]
        {
            assert!(parts(bad).is_none(), "{bad}");
        }
    }
}

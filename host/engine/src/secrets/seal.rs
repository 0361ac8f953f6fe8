//! Sealing: XChaCha20-Poly1305, with a random nonce for each seal and the secret's name bound to it.
//!
//! A seal that was moved to another name, or whose key id was changed, does not open. Values exist unsealed only where
//! they are used, and are wiped from memory after.

use std::fmt;
use std::sync::Arc;

use chacha20poly1305::aead::{Aead as _, KeyInit as _, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use orgata_model::{Digest, SecretName};
use secrecy::{ExposeSecret as _, SecretString};
use zeroize::Zeroizing;

/// Bytes of a nonce.
const NONCE: usize = 24;
/// What the data bound to a seal begins with.
const MARK: &str = "orgata secret 1";

/// A key, and what it is called.
#[derive(Clone)]
pub struct SecretKey {
    id: Arc<str>,
    bytes: Arc<Zeroizing<[u8; 32]>>,
}

/// The keys of a host: one that seals, and those that only open.
#[derive(Debug, Clone, Default)]
pub struct SecretKeys {
    /// Seals, and opens what it sealed. Without it secrets can neither be set nor read.
    pub present: Option<SecretKey>,
    /// Open what they sealed, until it is sealed anew.
    pub previous: Vec<SecretKey>,
    /// Secrets that no key opens are forgotten at start, instead of refusing to start.
    pub drop_unreadable: bool,
}

/// A text that is no key.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("a key is 64 hex digits, 32 random bytes: make one with `openssl rand -hex 32`")]
pub struct NoKey;

impl SecretKey {
    /// Reads one: 64 hex digits, with white space around them at most.
    pub fn parse(text: &str) -> Result<Self, NoKey> {
        let text = text.trim();
        if text.len() != 64 {
            return Err(NoKey);
        }
        let mut bytes = Zeroizing::new([0_u8; 32]);
        for (at, byte) in bytes.iter_mut().enumerate() {
            let pair =
                text.get(2 * at..2 * at + 2).filter(|pair| pair.bytes().all(|b| b.is_ascii_hexdigit()));
            *byte = u8::from_str_radix(pair.ok_or(NoKey)?, 16).map_err(|_| NoKey)?;
        }
        // Somebody who only tries things out; and a file that was made and never filled.
        if bytes.iter().all(|byte| Some(byte) == bytes.first()) {
            return Err(NoKey);
        }
        let mut named = Zeroizing::new(b"orgata secret key id ".to_vec());
        named.extend_from_slice(bytes.as_slice());
        let id = Digest::of(&named).short().into();
        Ok(Self { id, bytes: Arc::new(bytes) })
    }

    /// Its name: it follows from the key, and tells nothing of it.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Seals a value under a name. Gives the nonce and the seal.
    pub(super) fn seal(
        &self,
        name: &SecretName,
        value: &SecretString,
    ) -> Result<(Vec<u8>, Vec<u8>), Unsealed> {
        let mut nonce = [0_u8; NONCE];
        getrandom::fill(&mut nonce).map_err(|_| Unsealed::Machine)?;
        let bound = self.bound(name);
        let payload = Payload { msg: value.expose_secret().as_bytes(), aad: bound.as_bytes() };
        let sealed = self.cipher().encrypt(&XNonce::from(nonce), payload).map_err(|_| Unsealed::Machine)?;
        Ok((nonce.to_vec(), sealed))
    }

    /// Opens a seal of this name.
    pub(super) fn open(
        &self,
        name: &SecretName,
        nonce: &[u8],
        sealed: &[u8],
    ) -> Result<SecretString, Unsealed> {
        let nonce = <[u8; NONCE]>::try_from(nonce).map_err(|_| Unsealed::Broken)?;
        let bound = self.bound(name);
        let payload = Payload { msg: sealed, aad: bound.as_bytes() };
        let opened = self.cipher().decrypt(&XNonce::from(nonce), payload).map_err(|_| Unsealed::Broken)?;
        let opened = Zeroizing::new(opened);
        let text = std::str::from_utf8(&opened).map_err(|_| Unsealed::Broken)?;
        Ok(SecretString::from(text))
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(self.bytes.as_slice().into())
    }

    fn bound(&self, name: &SecretName) -> String {
        format!("{MARK}\n{name}\n{}", self.id)
    }
}

impl SecretKeys {
    /// The key of this id.
    pub(super) fn of(&self, id: &str) -> Option<&SecretKey> {
        self.present.iter().chain(&self.previous).find(|key| key.id() == id)
    }
}

/// The id alone: whoever prints settings prints no key.
impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretKey({})", self.id)
    }
}

/// Why a secret cannot be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unsealed {
    /// It is sealed with a key that this host does not have.
    #[error("it is sealed with a key that this host was not given")]
    NoKey,
    /// The seal was changed, or moved from another name.
    #[error("its seal is broken: it was changed, or belongs to another name")]
    Broken,
    /// No random numbers, or no room.
    #[error("this machine cannot seal now")]
    Machine,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(digit: &str) -> SecretKey {
        SecretKey::parse(&format!("{}{digit}0", "a1".repeat(31))).unwrap()
    }

    fn name(text: &str) -> SecretName {
        text.parse().unwrap()
    }

    #[test]
    fn what_was_sealed_opens_with_its_key_and_its_name_alone() {
        let value = SecretString::from("hunter2-äöü");
        let (nonce, sealed) = key("1").seal(&name("A"), &value).unwrap();
        let opened = key("1").open(&name("A"), &nonce, &sealed).unwrap();
        assert_eq!(opened.expose_secret(), "hunter2-äöü");
        assert!(key("2").open(&name("A"), &nonce, &sealed).is_err(), "another key");
        assert!(key("1").open(&name("B"), &nonce, &sealed).is_err(), "another name");
        assert!(key("1").open(&name("A"), &nonce[1..], &sealed).is_err(), "a nonce that was cut");
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(key("1").open(&name("A"), &nonce, &changed).is_err(), "byte {at}");
        }
    }

    #[test]
    fn the_same_value_never_has_the_same_seal() {
        let value = SecretString::from("hunter2");
        let seals: std::collections::BTreeSet<_> =
            (0..100).map(|_| key("1").seal(&name("A"), &value).unwrap()).collect();
        assert_eq!(seals.len(), 100);
    }

    #[test]
    fn what_is_no_key_is_refused_and_a_key_is_never_printed() {
        for bad in ["", "secret", &"a".repeat(63), &"g1".repeat(32), &"00".repeat(32), &"a1".repeat(33)] {
            assert_eq!(SecretKey::parse(bad).err(), Some(NoKey), "{bad}");
        }
        let text = format!("{:?}", key("1"));
        assert!(!text.contains("a1a1") && text.contains(key("1").id()), "{text}");
    }
}

//! Who signed a plugin, and whose signatures an operator believes. Words only: checking a signature is the sandbox's.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::ids::NameError;
use crate::operation::Plugin;
use crate::runtime::Environment;

/// The public half of a key that signs plugins: Ed25519, written `ed25519:` and 64 hex digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SignerKey([u8; 32]);

impl SignerKey {
    /// The bare bytes.
    pub const fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl From<[u8; 32]> for SignerKey {
    fn from(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl fmt::Display for SignerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ed25519:{}", crate::ids::Digest::from(self.0).hex())
    }
}

impl fmt::Debug for SignerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for SignerKey {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let error = || NameError::new("signer's key", text, "it is written ed25519: and 64 hex digits");
        let hex = text.strip_prefix("ed25519:").ok_or_else(error)?;
        let digest: crate::ids::Digest = hex.parse().map_err(|_| error())?;
        Ok(Self(*digest.bytes()))
    }
}

impl Serialize for SignerKey {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for SignerKey {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(d)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// Whose plugins may run where. Everybody's everywhere, unless said.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct Trust {
    /// Keys that are believed.
    pub keys: Vec<TrustedKey>,
    /// Environments in whose runtimes a plugin is offered only when a key that is believed there signed it.
    pub require_signed: BTreeSet<Environment>,
}

/// A key that is believed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TrustedKey {
    /// What it is called, for people.
    pub name: String,
    /// The key.
    pub key: SignerKey,
    /// Where it is believed. Absent: everywhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environments: Option<BTreeSet<Environment>>,
}

impl Trust {
    /// Why a plugin may not be offered there, if it may not.
    pub fn refuses(&self, environment: Environment, plugin: &Plugin) -> Option<String> {
        let believed = |trusted: &TrustedKey| {
            trusted.environments.as_ref().is_none_or(|there| there.contains(&environment))
                && plugin.signers.contains(&trusted.key)
        };
        if !self.require_signed.contains(&environment) || self.keys.iter().any(believed) {
            return None;
        }
        let (name, word) = (&plugin.name, environment.as_str());
        Some(match plugin.signers.as_slice() {
            [] => format!(
                "plugin `{name}` {} is not signed, and {word} takes only signed ones: sign it with `orgata plugin sign`",
                plugin.version
            ),
            [signer, ..] => format!(
                "plugin `{name}` {} is signed by {signer}, which is not believed in {word}: add it to trust.keys, or \
                 have it signed by a key that is",
                plugin.version
            ),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_survives_being_written_and_read() {
        let key = SignerKey::from([0xab; 32]);
        assert_eq!(key.to_string().parse(), Ok(key));
        for bad in ["", "ed25519:", "ab", &"ab".repeat(32), "ed25519:zz"] {
            assert!(bad.parse::<SignerKey>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_key_is_believed_where_it_is_named_and_nowhere_else() {
        let key = SignerKey::from([1; 32]);
        let trusted =
            TrustedKey { name: "release".into(), key, environments: Some([Environment::Staging].into()) };
        let trust = Trust {
            keys: vec![trusted],
            require_signed: [Environment::Production, Environment::Staging].into(),
        };
        let plugin = |signers: &[SignerKey]| Plugin {
            digest: crate::Digest::of(b""),
            name: "x".parse().unwrap(),
            version: "1.0.0".into(),
            description: String::new(),
            effect: crate::operation::EffectClass::Pure,
            imports: Vec::new(),
            size: 0,
            compile_ms: None,
            operations: Vec::new(),
            signers: signers.to_vec(),
        };
        assert_eq!(trust.refuses(Environment::Staging, &plugin(&[key])), None);
        assert_eq!(trust.refuses(Environment::Development, &plugin(&[])), None);
        let told = trust.refuses(Environment::Production, &plugin(&[key])).unwrap();
        assert!(told.contains("not believed in production"), "{told}");
        let told = trust.refuses(Environment::Staging, &plugin(&[])).unwrap();
        assert!(told.contains("is not signed"), "{told}");
        let other = SignerKey::from([2; 32]);
        assert!(trust.refuses(Environment::Staging, &plugin(&[other])).is_some());
    }
}

//! The names and ids of things, one type each.
//!
//! Every value of these types is well-formed: they are made by parsing, and parsing is the only check.
//! Ids that the host gives out are a prefix and a UUIDv7 (`exec_0192…`), so that they sort by time and
//! say what they are; names are given by people and are short, printable and safe in a path or a URL.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Longest name that people may give, in bytes.
pub const MAX_NAME: usize = 100;

/// A text that is not the name or id that it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{text}\" is not a valid {what}: {rule}")]
pub struct NameError {
    what: &'static str,
    text: String,
    rule: &'static str,
}

impl NameError {
    pub(crate) fn new(what: &'static str, text: &str, rule: &'static str) -> Self {
        // The text comes from outside: show enough to recognise it, and no more.
        Self { what, text: text.chars().take(60).collect(), rule }
    }
}

macro_rules! text_serde {
    ($name:ident) => {
        impl Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.collect_str(self)
            }
        }
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(d)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
        impl schemars::JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }
            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({ "type": "string" })
            }
        }
    };
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $what:literal, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Uuid);

        impl $name {
            /// Wraps a UUIDv7; whoever calls brings the clock and the randomness in it.
            pub const fn new(uuid: Uuid) -> Self {
                Self(uuid)
            }

            /// The bare UUID, for stores.
            pub const fn uuid(self) -> Uuid {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "{}"), self.0.simple())
            }
        }

        impl FromStr for $name {
            type Err = NameError;

            fn from_str(text: &str) -> Result<Self, NameError> {
                text.strip_prefix($prefix)
                    .filter(|hex| hex.len() == 32)
                    .and_then(|hex| Uuid::try_parse(hex).ok())
                    .map(Self)
                    .ok_or_else(|| {
                        NameError::new($what, text, concat!("it looks like ", $prefix, "0192f3…, with 32 hex digits"))
                    })
            }
        }
        text_serde!($name);
    };
}

id!(
    /// One run of one playbook: `exec_` and a UUIDv7.
    ExecutionId, "execution id", "exec_"
);
id!(
    /// One question to a person: `int_` and a UUIDv7.
    InterventionId, "intervention id", "int_"
);

id!(
    /// A key with which a caller proves who it is: `key_` and a UUIDv7. It is no secret.
    KeyId, "key id", "key_"
);

fn is_name(text: &str) -> bool {
    text.len() <= MAX_NAME
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
        && !text.contains("..")
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $what:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = NameError;

            fn from_str(text: &str) -> Result<Self, NameError> {
                if is_name(text) {
                    Ok(Self(text.into()))
                } else {
                    Err(NameError::new(
                        $what,
                        text,
                        "use letters, digits, '-', '_' and '.', begin with a letter or digit, 100 at most",
                    ))
                }
            }
        }
        text_serde!($name);
    };
}

name!(
    /// A set of playbooks, operations, roles and grants, such as `kitchen-v1`.
    RuntimeId, "runtime id"
);
name!(
    /// A playbook's name, unique in its runtime.
    PlaybookName, "playbook name"
);
name!(
    /// A step's name, unique in its playbook.
    StepName, "step name"
);
name!(
    /// Who performs steps and answers interventions.
    RoleName, "role name"
);
name!(
    /// A plugin's name: the first half of an operation's.
    PluginName, "plugin name"
);
name!(
    /// A secret's name, such as `TWILIO_TOKEN`.
    SecretName, "secret name"
);

/// An operation's full name, `plugin/operation`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OperationName {
    /// The plugin that exports it.
    pub plugin: PluginName,
    /// Its name inside the plugin.
    pub operation: Arc<str>,
}

impl fmt::Display for OperationName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.plugin, self.operation)
    }
}

impl FromStr for OperationName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let error = || NameError::new("operation name", text, "it is written plugin/operation");
        let (plugin, operation) = text.split_once('/').ok_or_else(error)?;
        if !is_name(operation) {
            return Err(error());
        }
        Ok(Self { plugin: plugin.parse().map_err(|_| error())?, operation: operation.into() })
    }
}
text_serde!(OperationName);

/// What a file or a definition is known by: SHA-256 of its bytes, written `sha256:…`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest([u8; 32]);

impl Digest {
    /// The digest of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        use sha2::Digest as _;
        Self(sha2::Sha256::digest(bytes).into())
    }

    /// The bare bytes, for stores.
    pub const fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// 64 hex digits, for file names.
    pub fn hex(&self) -> String {
        crate::text::hex(&self.0)
    }

    /// The first twelve hex digits, for people.
    pub fn short(&self) -> String {
        self.hex().chars().take(12).collect()
    }
}

impl From<[u8; 32]> for Digest {
    fn from(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sha256:{}", self.hex())
    }
}

impl FromStr for Digest {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let error = || NameError::new("digest", text, "it is written sha256: and 64 hex digits");
        let hex = text.strip_prefix("sha256:").unwrap_or(text);
        if hex.len() != 64 || !hex.is_ascii() {
            return Err(error());
        }
        let mut bytes = [0; 32];
        for (at, byte) in bytes.iter_mut().enumerate() {
            let pair = hex.get(at * 2..at * 2 + 2).ok_or_else(error)?;
            *byte = u8::from_str_radix(pair, 16).map_err(|_| error())?;
        }
        Ok(Self(bytes))
    }
}
text_serde!(Digest);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_survives_being_written_and_read() {
        let id = ExecutionId::new(Uuid::from_u128(0x0192_f3a0_0000_7000_8000_0000_0000_0001));
        assert_eq!(id.to_string().parse(), Ok(id));
        assert!("int_00000000000000000000000000000000".parse::<ExecutionId>().is_err());
    }

    #[test]
    fn a_name_cannot_climb_out_of_a_folder() {
        for bad in ["", ".", "..", "../x", "a/b", "a..b", "-a", "a b", "a\n", "ä"] {
            assert!(bad.parse::<PluginName>().is_err(), "{bad:?}");
        }
        assert!("kitchen-v1.2_x".parse::<PluginName>().is_ok());
    }

    #[test]
    fn a_digest_survives_being_written_and_read() {
        let digest = Digest::of(b"orgata");
        assert_eq!(digest.to_string().parse(), Ok(digest));
        assert!("sha256:zz".parse::<Digest>().is_err());
    }
}

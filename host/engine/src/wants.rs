//! What a plugin would have to be granted, by its imports.

use orgata_model::operation::Plugin;
use orgata_model::runtime::Grants;
use serde::{Deserialize, Serialize};

/// Something outside that a plugin can ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Want {
    /// HTTP servers.
    Network,
    /// Secrets by name.
    Secrets,
    /// State of its own that lasts.
    Kv,
    /// An AI model.
    Model,
}

impl Want {
    /// What a plugin asks for.
    pub fn of(plugin: &Plugin) -> Vec<Self> {
        let imports = |start: &str| plugin.imports.iter().any(|import| import.starts_with(start));
        let all = [
            (Self::Network, "wasi:http/"),
            (Self::Secrets, "orgata:plugin/secrets"),
            (Self::Kv, "orgata:plugin/kv"),
            (Self::Model, "orgata:plugin/model"),
        ];
        all.into_iter().filter(|(_, start)| imports(start)).map(|(want, _)| want).collect()
    }

    /// Whether anything of it is granted here.
    pub fn is_granted(self, grants: &Grants) -> bool {
        match self {
            Self::Network => !grants.network.is_empty(),
            Self::Secrets => !grants.secrets.is_empty(),
            Self::Kv => grants.kv,
            Self::Model => grants.model,
        }
    }

    /// The word for programs, and the key of its grant.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Network => "network",
            Self::Secrets => "secrets",
            Self::Kv => "kv",
            Self::Model => "model",
        }
    }

    /// What a line of the audit says was tried.
    pub const fn action(self) -> &'static str {
        match self {
            Self::Network => "guest.network",
            Self::Secrets => "guest.secrets",
            Self::Kv => "guest.kv",
            Self::Model => "guest.model",
        }
    }

    /// What it does, and what is to be done about it.
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::Network => "calls HTTP servers: each must be granted by name, in each runtime",
            Self::Secrets => "reads secrets: each must be granted by name, in each runtime",
            Self::Kv => "keeps state of its own: it must be granted, in each runtime",
            Self::Model => "asks an AI model: it must be granted, in each runtime that configures one",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use orgata_model::Digest;
    use orgata_model::operation::EffectClass;

    #[test]
    fn what_it_wants_follows_from_its_imports() {
        let plugin = |imports: &[&str]| Plugin {
            digest: Digest::of(b""),
            name: "x".parse().unwrap(),
            version: "1.0.0".to_owned(),
            description: String::new(),
            effect: EffectClass::Pure,
            imports: imports.iter().map(|&import| import.to_owned()).collect(),
            size: 0,
            compile_ms: None,
            signers: Vec::new(),
            operations: Vec::new(),
        };
        assert_eq!(Want::of(&plugin(&["wasi:cli/stdout@0.2.6", "orgata:plugin/log@1.0.0"])), []);
        assert_eq!(Want::of(&plugin(&["wasi:http/outgoing-handler@0.2.4"])), [Want::Network]);
        let both = plugin(&["orgata:plugin/kv-read@1.0.0", "orgata:plugin/secrets@1.0.0"]);
        assert_eq!(Want::of(&both), [Want::Secrets, Want::Kv]);
    }
}

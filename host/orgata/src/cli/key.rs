//! The words of `orgata key`.

use clap::{Args, Subcommand, ValueEnum};
use orgata_model::{KeyId, RoleName};

#[derive(Debug, Subcommand)]
pub(crate) enum KeyCommand {
    /// Make a key, and print it: it is shown this once
    Create(CreateKeyArgs),
    /// List the keys, the oldest first
    List,
    /// Revoke a key: from now on it proves nothing
    Revoke {
        /// The key's id, `key_…`
        id: KeyId,
    },
}

#[derive(Debug, Args)]
pub(crate) struct CreateKeyArgs {
    /// The name of whoever holds it, as events and records show it
    pub(crate) name: String,
    /// What kind of being that is
    #[arg(long, value_enum, default_value_t = KeyKind::Service)]
    pub(crate) kind: KeyKind,
    /// It may do everything, everywhere
    #[arg(long, conflicts_with_all = ["environment", "role"])]
    pub(crate) everything: bool,
    /// An environment that it may enter (production, staging, simulation, development); may be given again
    #[arg(long, value_name = "NAME", required_unless_present = "everything")]
    pub(crate) environment: Vec<String>,
    /// A role that it holds; may be given again
    #[arg(long, value_name = "NAME")]
    pub(crate) role: Vec<RoleName>,
    /// What it is good for, such as `execution:read`; may be given again [default: all that its holder may do]
    #[arg(long, value_name = "SCOPE")]
    pub(crate) scope: Vec<String>,
    /// How long it is good, such as `90d` [default: until it is revoked]
    #[arg(long, value_name = "TIME")]
    pub(crate) expires_in: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum KeyKind {
    User,
    Service,
    Assistant,
}

impl KeyKind {
    /// The word on the wire.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Service => "service",
            Self::Assistant => "assistant",
        }
    }
}

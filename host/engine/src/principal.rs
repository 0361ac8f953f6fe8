//! Who asks: what it is called, what it may enter, and from where it comes.
//!
//! Proving it is the adapters' business; deciding what follows is [`crate::access`]'s.

use std::collections::BTreeSet;
use std::sync::Arc;

use orgata_model::RoleName;
use orgata_model::access::{Access, Resource};
use orgata_model::execution::Actor;
use orgata_model::runtime::Environment;

/// Whoever makes a request. Every door of the engine takes one; events keep its name. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Principal {
    identity: Arc<Identity>,
    origin: Option<Arc<Origin>>,
}

/// Who somebody is, however it was proved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// As events and records show it.
    pub name: Arc<str>,
    /// What kind of being it is.
    pub kind: PrincipalKind,
    /// Where it may be, and do what is allowed there.
    pub reach: Reach,
    /// The roles that it holds.
    pub roles: BTreeSet<RoleName>,
    /// What its proof is good for; absent: for all that it may do.
    pub scopes: Option<BTreeSet<Scope>>,
}

/// Where somebody may be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reach {
    /// Everywhere, and it may do everything: the host itself, and whoever sits at the machine where nobody is asked for
    /// a name.
    Everything,
    /// In these environments, as far as their permissions go.
    Environments(BTreeSet<Environment>),
}

/// A part of what somebody may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Scope {
    /// With which kind of thing.
    pub resource: Resource,
    /// What, and all that it includes.
    pub access: Access,
}

/// What kind of being asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PrincipalKind {
    /// A person.
    User,
    /// A program.
    Service,
    /// An AI assistant.
    Assistant,
}

/// From where a request comes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Origin {
    /// The address of the other end of the connection.
    pub address: Option<std::net::IpAddr>,
    /// The id that the request has in logs.
    pub request: Option<String>,
}

impl Principal {
    /// Whoever was proved to be this.
    pub fn of(identity: Arc<Identity>) -> Self {
        Self { identity, origin: None }
    }

    /// Somebody who may do everything: there is nothing to prove.
    pub fn trusted(name: &str, kind: PrincipalKind) -> Self {
        Self::of(Arc::new(Identity {
            name: name.into(),
            kind,
            reach: Reach::Everything,
            roles: BTreeSet::new(),
            scopes: None,
        }))
    }

    /// Whoever sits at this machine: loopback in development asks for no name.
    pub fn local() -> Self {
        Self::trusted("local", PrincipalKind::User)
    }

    /// The same, asking from there.
    pub fn from(self, origin: Arc<Origin>) -> Self {
        Self { origin: Some(origin), ..self }
    }

    /// As events show it.
    pub fn actor(&self) -> Actor {
        Arc::clone(&self.identity.name)
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.identity.name
    }

    /// What kind of being it is.
    pub fn kind(&self) -> PrincipalKind {
        self.identity.kind
    }

    /// Who it is.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// From where it asks, where that is known.
    pub fn origin(&self) -> Option<&Origin> {
        self.origin.as_deref()
    }
}

/// The same being, from wherever it asks and whatever it proved itself with.
impl PartialEq for Principal {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name() && self.kind() == other.kind()
    }
}

impl Eq for Principal {}

impl PrincipalKind {
    /// The word on the wire and in records.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Service => "service",
            Self::Assistant => "assistant",
        }
    }
}

//! Who asks: what it is called, what it may enter, and from where it comes.
//!
//! Proving it is the adapters' business; deciding what follows is [`crate::access`]'s.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use jiff::Timestamp;
use orgata_model::access::{Access, Resource, UnknownWord};
use orgata_model::execution::Actor;
use orgata_model::runtime::Environment;
use orgata_model::{KeyId, RoleName};
use serde::{Deserialize, Serialize};

/// Whoever makes a request. Every door of the engine takes one; events keep its name. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Principal {
    identity: Arc<Identity>,
    origin: Option<Arc<Origin>>,
    proof: Option<Proof>,
}

/// What somebody proved itself with, where that can come to an end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// A key: until it expires or is revoked.
    Key(KeyId),
    /// Anything else that is good until then.
    Until(Timestamp),
}

/// Who somebody is, however it was proved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reach {
    /// Everywhere, and it may do everything, as far as its scopes go: the host itself, whoever sits at the machine where
    /// nobody is asked for a name, and keys that were made so.
    Everything,
    /// In these environments, as far as their permissions go.
    Environments(BTreeSet<Environment>),
}

impl Reach {
    /// Whether all of the other is in it.
    pub(crate) fn includes(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Everything, _) => true,
            (Self::Environments(_), Self::Everything) => false,
            (Self::Environments(own), Self::Environments(other)) => own.is_superset(other),
        }
    }
}

/// A part of what somebody may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Scope {
    /// With which kind of thing.
    pub resource: Resource,
    /// What, and all that it includes.
    pub access: Access,
}

/// `execution:read`: the word in configurations, on the wire and in stores.
impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.resource.as_str(), self.access.as_str())
    }
}

impl FromStr for Scope {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        let (resource, access) = text.split_once(':').ok_or_else(|| UnknownWord::of(text))?;
        Ok(Self { resource: resource.parse()?, access: access.parse()? })
    }
}

impl Serialize for Scope {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Scope {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// What kind of being asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
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

impl Identity {
    /// Whether its proof is good for this.
    pub(crate) fn covers(&self, resource: Resource, access: Access) -> bool {
        let covered = |scope: &Scope| scope.resource == resource && scope.access >= access;
        self.scopes.as_ref().is_none_or(|scopes| scopes.iter().any(covered))
    }
}

impl Principal {
    /// Whoever was proved to be this.
    pub fn of(identity: Arc<Identity>) -> Self {
        Self { identity, origin: None, proof: None }
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

    /// The same, for as long as this proof is good: connections outlive proofs.
    pub fn proved_by(self, proof: Proof) -> Self {
        Self { proof: Some(proof), ..self }
    }

    /// What it proved itself with.
    pub(crate) fn proof(&self) -> Option<Proof> {
        self.proof
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

    /// Whether it holds a role, or may do as if.
    pub fn holds(&self, role: &RoleName) -> bool {
        self.only_roles().is_none_or(|roles| roles.contains(role))
    }

    /// The roles that it holds; nothing when it may do as if it held every one.
    pub(crate) fn only_roles(&self) -> Option<&BTreeSet<RoleName>> {
        match self.identity.reach {
            Reach::Everything => None,
            Reach::Environments(_) => Some(&self.identity.roles),
        }
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

//! Who asks.

use std::sync::Arc;

use orgata_model::execution::Actor;

/// Whoever makes a request. Every door of the engine takes one; events keep its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    name: Arc<str>,
    kind: PrincipalKind,
}

/// What kind of being asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PrincipalKind {
    /// A person.
    User,
    /// A program.
    Service,
    /// An AI assistant.
    Assistant,
}

impl Principal {
    /// A principal of this name.
    pub fn new(name: &str, kind: PrincipalKind) -> Self {
        Self { name: name.into(), kind }
    }

    /// Whoever sits at this machine: loopback in development asks for no name.
    pub fn local() -> Self {
        Self::new("local", PrincipalKind::User)
    }

    /// As events show it.
    pub fn actor(&self) -> Actor {
        Arc::clone(&self.name)
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What kind of being it is.
    pub fn kind(&self) -> PrincipalKind {
        self.kind
    }
}

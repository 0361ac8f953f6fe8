//! `orgata:plugin/secrets`: secrets that the operator granted, by name.
//!
//! This version has no grant for secrets: every name is denied.

use orgata_model::operation::EffectClass;
use wasmtime::component::HasSelf;

use super::Capability;
use crate::bindings::host::access::AccessError;
use crate::bindings::host::secrets::{Host, add_to_linker};
use crate::guest::Guest;
use crate::log::{cut, escaped};

pub(super) const CAPABILITY: Capability = Capability {
    interfaces: &["orgata:plugin/secrets"],
    effect: EffectClass::Observing,
    link: |linker| add_to_linker::<_, HasSelf<Guest>>(linker, Guest::entered),
};

impl Host for Guest {
    fn get(&mut self, name: String) -> wasmtime::Result<Result<String, AccessError>> {
        let what = format!("the secret \"{}\"", escaped(cut(&name, 100)));
        Ok(Err(self.denied(&what, "secrets (which this version of the host cannot grant)")))
    }
}

impl Guest {
    /// Refuses `what`, which `grant` would let through.
    pub(super) fn denied(&self, what: &str, grant: &str) -> AccessError {
        self.notes.denied(&self.scope.session, &self.scope.plugin, what, grant);
        AccessError::Denied(format!("{what} is not granted: it would take {grant}"))
    }
}

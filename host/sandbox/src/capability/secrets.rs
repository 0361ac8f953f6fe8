//! `orgata:plugin/secrets`: secrets that the operator granted, by name.
//!
//! A name that is not granted is denied in the same words whether there is such a secret or not.

use orgata_engine::Want;
use orgata_engine::secrets::Unsealed;
use orgata_model::operation::EffectClass;
use orgata_model::text::{cut, escaped};
use secrecy::ExposeSecret as _;
use wasmtime::component::HasSelf;

use super::Capability;
use crate::bindings::host::access::AccessError;
use crate::bindings::host::secrets::{Host, add_to_linker};
use crate::guest::Guest;
use crate::notes::Denial;

pub(super) const CAPABILITY: Capability = Capability {
    interfaces: &["orgata:plugin/secrets"],
    effect: EffectClass::Observing,
    link: |linker| add_to_linker::<_, HasSelf<Guest>>(linker, Guest::entered),
};

impl Host for Guest {
    fn get(&mut self, name: String) -> wasmtime::Result<Result<String, AccessError>> {
        let shown = escaped(cut(&name, 100));
        let scope = &self.scope;
        let granted = scope.granted().map(|grants| grants.secrets.as_slice());
        let Some(secret) = granted.unwrap_or_default().iter().find(|granted| granted.as_str() == name) else {
            let (what, grant) = (format!("the secret \"{shown}\""), format!("secrets: [{shown}]"));
            return Ok(Err(self.denied(Want::Secrets, &what, &grant)));
        };
        match scope.session.secrets.reveal(secret) {
            Ok(Some(value)) => {
                scope.given.add(secret, &value);
                scope.reached(Want::Secrets, secret.as_str());
                Ok(Ok(value.expose_secret().to_owned()))
            }
            Ok(None) => Ok(Err(self.absent(format!(
                "the secret {secret} is granted, and not set: the operator sets it with `orgata secret set {secret}`"
            )))),
            Err(error @ (Unsealed::NoKey | Unsealed::Broken | Unsealed::Machine)) => {
                Ok(Err(self.absent(format!("the secret {secret} cannot be opened: {error}"))))
            }
        }
    }
}

impl Guest {
    /// Refuses `what`, which `grant` would let through.
    pub(super) fn denied(&self, want: Want, what: &str, grant: &str) -> AccessError {
        let scope = &self.scope;
        let denial = Denial { plugin: &scope.plugin, want, what, grant };
        self.notes.denied(&scope.session, scope.lease.as_deref(), &denial);
        AccessError::Denied(format!("{what} is not granted: it would take {grant}"))
    }

    /// What is granted cannot be had.
    pub(super) fn absent(&self, why: String) -> AccessError {
        self.notes.explained(why.clone());
        AccessError::Unavailable(why)
    }
}

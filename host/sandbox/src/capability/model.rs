//! `orgata:plugin/model`: asks an AI model that the runtime configures.
//!
//! This version has no grant for models: every request is denied.

use orgata_engine::Want;
use orgata_model::operation::EffectClass;
use wasmtime::component::HasSelf;

use super::Capability;
use crate::bindings::host::access::AccessError;
use crate::bindings::host::model::{Host, Request, Response, add_to_linker};
use crate::guest::Guest;

pub(super) const CAPABILITY: Capability = Capability {
    interfaces: &["orgata:plugin/model"],
    effect: EffectClass::Effectful,
    link: |linker| add_to_linker::<_, HasSelf<Guest>>(linker, Guest::entered),
};

impl Host for Guest {
    fn sample(&mut self, _request: Request) -> wasmtime::Result<Result<Response, AccessError>> {
        Ok(Err(self.denied(
            Want::Model,
            "asking an AI model",
            "model (which this version of the host cannot grant)",
        )))
    }
}

//! `orgata:plugin/config`: values that the operator set for this plugin in this runtime.

use orgata_model::operation::EffectClass;
use wasmtime::component::HasSelf;

use super::Capability;
use crate::bindings::host::config::{Host, add_to_linker};
use crate::guest::Guest;

pub(super) const CAPABILITY: Capability = Capability {
    interfaces: &["orgata:plugin/config"],
    effect: EffectClass::Pure,
    link: |linker| add_to_linker::<_, HasSelf<Guest>>(linker, Guest::entered),
};

impl Host for Guest {
    fn get(&mut self, key: String) -> wasmtime::Result<Option<String>> {
        let values = self.scope.session.config.get(&self.scope.plugin);
        Ok(values.and_then(|values| values.get(&key)).map(ToString::to_string))
    }
}

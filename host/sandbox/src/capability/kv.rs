//! `orgata:plugin/kv-read` and `orgata:plugin/kv`: durable state of a plugin in a runtime.
//!
//! This version has no grant for it: reading and writing are denied.

use orgata_model::operation::EffectClass;
use wasmtime::component::HasSelf;

use super::Capability;
use crate::bindings::host::access::AccessError;
use crate::bindings::host::{kv, kv_read};
use crate::guest::Guest;

const GRANT: &str = "kv (which this version of the host cannot grant)";

pub(super) const READING: Capability = Capability {
    interfaces: &["orgata:plugin/kv-read"],
    effect: EffectClass::Observing,
    link: |linker| kv_read::add_to_linker::<_, HasSelf<Guest>>(linker, Guest::entered),
};

pub(super) const WRITING: Capability = Capability {
    interfaces: &["orgata:plugin/kv"],
    effect: EffectClass::Effectful,
    link: |linker| kv::add_to_linker::<_, HasSelf<Guest>>(linker, Guest::entered),
};

impl kv_read::Host for Guest {
    fn get(&mut self, _key: String) -> wasmtime::Result<Result<Option<String>, AccessError>> {
        Ok(Err(self.denied("reading the plugin's state", GRANT)))
    }

    fn list(&mut self, _prefix: String, _limit: u32) -> wasmtime::Result<Result<Vec<String>, AccessError>> {
        Ok(Err(self.denied("listing the plugin's state", GRANT)))
    }
}

impl kv::Host for Guest {
    fn set(&mut self, _key: String, _value: String) -> wasmtime::Result<Result<(), AccessError>> {
        Ok(Err(self.denied("writing the plugin's state", GRANT)))
    }

    fn delete(&mut self, _key: String) -> wasmtime::Result<Result<(), AccessError>> {
        Ok(Err(self.denied("deleting from the plugin's state", GRANT)))
    }

    fn compare_and_set(
        &mut self,
        _key: String,
        _expected: Option<String>,
        _value: String,
    ) -> wasmtime::Result<Result<bool, AccessError>> {
        Ok(Err(self.denied("writing the plugin's state", GRANT)))
    }
}

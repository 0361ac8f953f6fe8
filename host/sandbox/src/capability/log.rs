//! `orgata:plugin/log`: lines for the execution's log.

use orgata_engine::ports::LogLevel;
use orgata_model::operation::EffectClass;
use wasmtime::component::HasSelf;

use super::Capability;
use crate::bindings::host::log::{Host, Level, add_to_linker};
use crate::guest::Guest;

pub(super) const CAPABILITY: Capability = Capability {
    interfaces: &["orgata:plugin/log"],
    effect: EffectClass::Pure,
    link: |linker| add_to_linker::<_, HasSelf<Guest>>(linker, Guest::entered),
};

impl Host for Guest {
    fn write(&mut self, level: Level, message: String, fields: Option<String>) -> wasmtime::Result<()> {
        let level = match level {
            Level::Trace => LogLevel::Trace,
            Level::Debug => LogLevel::Debug,
            Level::Info => LogLevel::Info,
            Level::Warn => LogLevel::Warn,
            Level::Error => LogLevel::Error,
        };
        self.log.write(level, &message, fields.as_deref());
        Ok(())
    }
}

//! `orgata:plugin/progress`: how far a long operation has come.

use orgata_engine::ports::Progress;
use orgata_model::operation::EffectClass;
use orgata_model::text::{cut, escaped};
use wasmtime::component::HasSelf;

use super::Capability;
use crate::bindings::host::progress::{Host, add_to_linker};
use crate::guest::Guest;

/// Longest message of a report, in bytes. It becomes part of an event.
const MAX_MESSAGE: usize = 1024;

pub(super) const CAPABILITY: Capability = Capability {
    interfaces: &["orgata:plugin/progress"],
    effect: EffectClass::Pure,
    link: |linker| add_to_linker::<_, HasSelf<Guest>>(linker, Guest::entered),
};

impl Host for Guest {
    fn report(&mut self, fraction: f64, message: String) -> wasmtime::Result<()> {
        // Nobody listens, or nobody keeps up: a report is worth nothing once the next one is there.
        let Some(Ok(place)) = self.scope.progress.as_ref().map(|progress| progress.try_reserve()) else {
            return Ok(());
        };
        let fraction = if fraction.is_nan() { 0.0 } else { fraction.clamp(0.0, 1.0) };
        place.send(Progress {
            fraction,
            message: escaped(cut(&self.scope.given.redacted(&message), MAX_MESSAGE)),
        });
        Ok(())
    }
}

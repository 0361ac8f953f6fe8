//! `wasi:http` (being written).
use orgata_model::operation::EffectClass;
use super::Capability;
pub(crate) struct Http;
pub(super) const CAPABILITY: Capability = Capability {
    interfaces: &["wasi:http/outgoing-handler", "wasi:http/types"],
    effect: EffectClass::Effectful,
    link: |_| Ok(()),
};

//! What a guest may import: one capability, one file.
//!
//! A capability links its interfaces, checks its grants and keeps its state; [`CAPABILITIES`] is the only
//! place that knows them all. All are in the one linker; an instance gets those that its component imports,
//! and from these follows its effect class, before it ever runs.
//!
//! To add one: write its file, and register it here.

mod config;
pub(crate) mod http;
mod kv;
mod log;
mod model;
mod progress;
mod secrets;
pub(crate) mod wasi;

pub use http::TrustError;

use orgata_model::operation::EffectClass;
use wasmtime::component::Linker;

use crate::guest::Guest;

/// A set of interfaces that guests may import.
pub(crate) struct Capability {
    /// Names of interfaces without their versions; one that ends in `/` stands for all of its package.
    interfaces: &'static [&'static str],
    /// What importing one makes of a plugin.
    effect: EffectClass,
    /// Makes them available.
    link: fn(&mut Linker<Guest>) -> wasmtime::Result<()>,
}

const CAPABILITIES: &[Capability] = &[
    CONTRACT_TYPES,
    wasi::CAPABILITY,
    wasi::SOCKETS,
    log::CAPABILITY,
    progress::CAPABILITY,
    config::CAPABILITY,
    secrets::CAPABILITY,
    kv::READING,
    kv::WRITING,
    model::CAPABILITY,
    http::CAPABILITY,
];

/// Interfaces of the contract that hold types alone.
const CONTRACT_TYPES: Capability = Capability {
    interfaces: &["orgata:plugin/types", "orgata:plugin/access"],
    effect: EffectClass::Pure,
    link: |_| Ok(()),
};

/// A linker that has every capability.
pub(crate) fn linker(engine: &wasmtime::Engine) -> wasmtime::Result<Linker<Guest>> {
    let mut linker = Linker::new(engine);
    for capability in CAPABILITIES {
        (capability.link)(&mut linker)?;
    }
    Ok(linker)
}

/// The effect class that follows from these imports, or those among them that no capability offers.
pub(crate) fn effect_of(imports: &[String]) -> Result<EffectClass, Vec<String>> {
    let mut effect = EffectClass::Pure;
    let mut unknown = Vec::new();
    for import in imports {
        match CAPABILITIES.iter().find(|capability| capability.offers(import)) {
            Some(capability) => effect = effect.max(capability.effect),
            None => unknown.push(import.clone()),
        }
    }
    if unknown.is_empty() { Ok(effect) } else { Err(unknown) }
}

impl Capability {
    fn offers(&self, import: &str) -> bool {
        let (name, _version) = import.split_once('@').unwrap_or((import, ""));
        self.interfaces.iter().any(|offered| match offered.strip_suffix('/') {
            Some(package) => name.split_once('/').is_some_and(|(of, _)| of == package),
            None => name == *offered,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn class(imports: &[&str]) -> Result<EffectClass, Vec<String>> {
        effect_of(&imports.iter().map(|import| (*import).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn the_strongest_import_decides() {
        assert_eq!(class(&[]), Ok(EffectClass::Pure));
        assert_eq!(class(&["wasi:cli/stdout@0.2.6", "orgata:plugin/log@1.0.0"]), Ok(EffectClass::Pure));
        assert_eq!(
            class(&["orgata:plugin/log@1.0.0", "orgata:plugin/secrets@1.0.0"]),
            Ok(EffectClass::Observing)
        );
        assert_eq!(class(&["orgata:plugin/kv-read@1.0.0"]), Ok(EffectClass::Observing));
        assert_eq!(class(&["orgata:plugin/kv@1.0.0"]), Ok(EffectClass::Effectful));
        assert_eq!(
            class(&["wasi:http/outgoing-handler@0.2.0", "wasi:http/types@0.2.0"]),
            Ok(EffectClass::Effectful)
        );
    }

    #[test]
    fn what_nobody_offers_is_named() {
        assert_eq!(
            class(&["wasi:nn/graph@0.2.0", "wasi:cli/stdin@0.2.0"]),
            Err(vec!["wasi:nn/graph@0.2.0".into()])
        );
        assert_eq!(
            class(&["wasi:http/incoming-handler@0.2.0"]),
            Err(vec!["wasi:http/incoming-handler@0.2.0".into()])
        );
        assert_eq!(class(&["orgata:plugin/logging"]), Err(vec!["orgata:plugin/logging".into()]));
    }
}

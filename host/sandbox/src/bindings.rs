//! The plugin contract (`wit/plugin.wit`) in Rust, generated.
//!
//! What the host hands to a guest is borrowed, what it gets from one is owned. Imports may trap, so that a
//! limit reached inside one ends the guest.

wasmtime::component::bindgen!({
    path: "../../wit",
    world: "plugin",
    imports: {
        // These wait for the store.
        "orgata:plugin/kv-read.get": async | trappable,
        "orgata:plugin/kv-read.list": async | trappable,
        "orgata:plugin/kv.set": async | trappable,
        "orgata:plugin/kv.delete": async | trappable,
        "orgata:plugin/kv.compare-and-set": async | trappable,
        // And this for an AI model.
        "orgata:plugin/model.sample": async | trappable,
        default: trappable,
    },
    exports: { default: async },
    ownership: Borrowing { duplicate_if_necessary: true },
});

pub(crate) use self::exports::orgata::plugin::operations as guest;
pub(crate) use self::orgata::plugin as host;

/// The name under which a plugin exports its operations.
pub(crate) const OPERATIONS: &str = "orgata:plugin/operations@1.0.0";

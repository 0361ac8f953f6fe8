//! Writes an Orgata plugin in Rust: typed operations in, the plugin contract (`wit/plugin.wit`) out.
//!
//! ```ignore
//! orgata_plugin::export_plugin!(greeter);
//!
//! fn greeter() -> Plugin {
//!     Plugin::new("greeter", "1.0.0", "Greets people.").operation(
//!         Operation::new("greet", |_call, who: Person| Ok(Greeting { text: format!("Hello {}", who.name) }))
//!             .description("Greets one person by name.")
//!             .idempotent(),
//!     )
//! }
//! ```
//!
//! The types are ordinary serde structs that derive [`JsonSchema`]; their schemas and doc comments become
//! what the host and AI assistants read.
//!
//! Invariant: a guest imports only what it calls. Nothing here touches an import by itself, so an operation
//! that only computes stays `pure`.
//! Not here: HTTP (see `plugins/http-fetch`), nor the host's side of the contract.

mod operation;
mod outcome;

pub use operation::{Operation, Plugin};
pub use outcome::Outcome;
pub use schemars::{self, JsonSchema};

#[doc(hidden)]
pub use bindings::exports::orgata::plugin::operations::Guest;
pub use bindings::orgata::plugin::{
    config, kv, kv_read, model, progress, secrets,
    types::{Call, Failure, Fault, PluginInfo, Question},
};

/// The contract as generated: for guests that need what the typed layer hides.
#[expect(missing_docs, reason = "generated; documented in wit/plugin.wit")]
pub mod bindings {
    wit_bindgen::generate!({
        path: "../../wit",
        world: "plugin",
        pub_export_macro: true,
        default_bindings_module: "orgata_plugin::bindings",
        generate_all,
    });
}

/// Lines for the execution's log.
pub mod log {
    pub use crate::bindings::orgata::plugin::log::{Level, write};

    /// What a person following the execution may want to know.
    pub fn info(message: &str) {
        write(Level::Info, message, None);
    }

    /// Something odd that the operation could cope with.
    pub fn warn(message: &str) {
        write(Level::Warn, message, None);
    }
}

/// Makes a component of a function that returns a [`Plugin`].
#[macro_export]
macro_rules! export_plugin {
    ($plugin:path) => {
        struct Exported;

        impl $crate::Guest for Exported {
            fn describe() -> $crate::PluginInfo {
                $plugin().describe()
            }
            fn execute(
                call: $crate::Call,
                input: ::std::string::String,
            ) -> ::std::result::Result<$crate::bindings::orgata::plugin::types::Outcome, $crate::Failure>
            {
                $plugin().execute(&call, &input)
            }
            fn resume(
                call: $crate::Call,
                state: ::std::string::String,
                answer: ::std::string::String,
            ) -> ::std::result::Result<$crate::bindings::orgata::plugin::types::Outcome, $crate::Failure>
            {
                $plugin().resume(&call, &state, &answer)
            }
        }

        $crate::export_guest!(Exported);
    };
}

/// Makes a component of a type that implements [`Guest`] by hand.
///
/// Only on wasm: the exported names are no legal symbols elsewhere, and unit tests run natively. There the
/// guest is merely named, so that the compiler does not take it for dead.
#[macro_export]
macro_rules! export_guest {
    ($guest:ident) => {
        #[cfg(not(target_arch = "wasm32"))]
        const _: fn() -> $crate::PluginInfo = <$guest as $crate::Guest>::describe;
        #[cfg(target_arch = "wasm32")]
        $crate::bindings::export!($guest with_types_in $crate::bindings);
    };
}

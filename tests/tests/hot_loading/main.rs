//! Plugins come, change and go while executions run, and nobody notices who does not ask.
//!
//! `swaps`: a busy plugin is replaced again and again. `refusals`: files that must change nothing.
//! `operators`: uploads, rollbacks, retirement, and what of it outlives the host.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a story that cannot go on ends right there"
)]

mod operators;
mod refusals;
mod swaps;

use orgata_tests::HostSetup;
use serde_json::json;

/// A host with version 1 of the plugin `counter` in its folder, and a playbook that tells its version twice,
/// before and after somebody has answered.
fn counting() -> HostSetup {
    let setup = HostSetup::new().plugin_from("counter", "counter-1");
    let setup = setup.playbook("twice", include_str!("../../playbooks/twice.yaml"));
    setup.runtime("shop", json!({}))
}

//! The command line, as people and scripts use it: what it prints and where, exit codes, errors with hints.
//!
//! Not here: `orgata check` on wrong playbooks (`bad_input`), signals (`operations_at_night`).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a story that cannot go on ends right there"
)]

mod definitions;
mod first_key;
mod mending;
mod one_shot;
mod operator;
mod pictures;
mod plugins;
mod starting;

use orgata_tests::{HostSetup, StoppedHost, TestHost};
use serde_json::json;

/// Asks for a yes or a no; needs no compiler: `bench/noop` is tiny.
const ASK: &str = r#"
name: ask
steps:
  - { name: think, operation: bench/noop, params: { n: $input.n } }
  - name: choose
    intervention: { prompt: Now?, options: [yea, nay] }
output: { n: $steps.think.result.n, it: $steps.choose.result }
"#;

fn setup() -> HostSetup {
    HostSetup::new().plugin("bench").playbook("ask", ASK).runtime("desk", json!({}))
}

async fn host() -> TestHost {
    setup().start().await
}

/// A folder with everything in place, and no host at work.
async fn folder() -> StoppedHost {
    host().await.stop().await
}

//! Simulating a playbook, as its author and a team's scripts do: by the command line and over REST.
//!
//! Not here: what a scenario can say, part by part (the engine's own stories).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a story that cannot go on ends right there"
)]

mod effects;
mod examples;
mod scripts;

use orgata_tests::cli::{Ended, orgata};
use orgata_tests::{HostSetup, StoppedHost};
use serde_json::json;

/// Runs `orgata simulate` in a folder where no host is at work.
async fn simulate(place: &StoppedHost, arguments: &[&str]) -> Ended {
    let all: Vec<&str> = ["--data", "data", "simulate"].iter().chain(arguments).copied().collect();
    orgata(place.folder(), &all, "").await
}

/// A folder with the examples in place, and no host at work.
async fn shop() -> StoppedHost {
    let setup = HostSetup::new().plugin("kitchen").plugin("arithmetic").plugin("shop");
    let setup = setup.example("pbj-sandwich").example("refund-approval").example("order-fulfilment");
    let host = setup.example("pack-order").runtime("shop", json!({})).start().await;
    host.stop().await
}

//! REST, asked through the router with a real engine behind it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that fails may say so by panicking"
)]

mod bulk;
mod definitions;
mod executions;
mod grants;
mod refusals;
#[path = "../support/mod.rs"]
mod support;
mod transfer;

/// Where executions are started.
const START: &str = "/api/v1/runtimes/kitchen-v1/executions";

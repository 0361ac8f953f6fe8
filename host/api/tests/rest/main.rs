//! REST, asked through the router with a real engine behind it.

mod definitions;
mod executions;
mod refusals;
#[path = "../support/mod.rs"]
mod support;

/// Where executions are started.
const START: &str = "/api/v1/runtimes/kitchen-v1/executions";

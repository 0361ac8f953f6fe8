//! Stories of the engine, told with fakes of its ports.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on should stop here"
)]

#[path = "../support/mod.rs"]
mod support;

mod approvals;
mod bulk;
mod caching;
mod computing;
mod concurrency;
mod controls;
mod crashes;
mod durability;
mod granting;
mod memory;
mod on_events;
mod outages;
mod priorities;
mod progress;
mod questions;
mod races;
mod retention;
mod retries;
mod schedules;
mod simulating;
mod starting;
mod stopping;
mod transfer;
mod turns;
mod watching;

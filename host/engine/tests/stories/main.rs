//! Stories of the engine, told with fakes of its ports.

#[path = "../support/mod.rs"]
mod support;

mod computing;
mod controls;
mod crashes;
mod durability;
mod memory;
mod outages;
mod progress;
mod questions;
mod races;
mod retries;
mod starting;
mod stopping;
mod watching;

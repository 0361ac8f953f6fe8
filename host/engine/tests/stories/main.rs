//! Stories of the engine, told with fakes of its ports.

#[path = "../support/mod.rs"]
mod support;

mod durability;

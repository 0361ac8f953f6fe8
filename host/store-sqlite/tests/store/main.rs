//! What the store promises, told through its port.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on should stop here"
)]

mod api_keys;
mod audit;
mod beside;
mod definitions;
mod group_commit;
mod histories;
mod keys;
mod lists;
mod log;
mod opening;
mod purge;
mod questions;
mod round_trip;
mod samples;

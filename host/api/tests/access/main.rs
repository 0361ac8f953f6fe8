//! Who may do what, over every protocol; and the ways in which strangers try to get in.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that fails may say so by panicking"
)]

mod answering;
mod frame_table;
mod keys;
mod mcp_table;
mod rest_table;
#[path = "../support/mod.rs"]
mod support;
mod tickets;
mod tokens;
mod world;

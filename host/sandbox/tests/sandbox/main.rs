//! The sandbox as the engine sees it: built guests in, outcomes and failures out.
//!
//! The guests are in `target/guests`; `cargo xtask plugins` puts them there.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says what went wrong by panicking"
)]

mod capabilities;
mod compiling;
mod http;
mod lifecycle;
mod limits;
mod plain;
mod refusals;
mod secrets;
mod support;
mod warmth;
mod watching;

//! What holds for the model: the fold, what it wants next, recorded histories, and playbooks with mistakes.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on should stop here"
)]

mod branches;
mod children;
mod dice;
mod failures;
mod fold;
mod histories;
mod histories_v0_2;
mod histories_v0_3;
mod history;
mod loops;
mod order;
mod paused;
mod playbooks;
mod questions;
mod random;
mod random_language;
mod random_playbooks;
mod ready;
mod retried;
mod scenarios;
mod story;
mod undoing;
mod waits;

//! Questions to people, and their answers.

pub(super) mod answer;
pub(super) mod inbox;
pub(super) mod pending;

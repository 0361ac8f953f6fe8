//! Questions to people, and their answers.

pub(super) mod answer;

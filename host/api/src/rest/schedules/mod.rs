//! Playbooks that start by themselves.

pub(super) mod list;

//! Drafts: plugins in the making, from source text to a component that can be loaded.

pub(super) mod build;
pub(super) mod load;
pub(super) mod scaffold;
pub(super) mod test;
pub(super) mod validate;

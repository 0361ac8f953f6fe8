//! What loading and calling cost.
fn main() {}

//! What people see.

pub(crate) mod amount;
pub(crate) mod bars;
pub(crate) mod simulation;
pub(crate) mod table;
pub(crate) mod timeline;

use serde_json::Value;

/// JSON for programs, indented for people who look all the same.
pub(crate) fn print_json(value: &Value) -> anyhow::Result<()> {
    println!("{}", serde_json::to_string_pretty(value)?);
    Ok(())
}

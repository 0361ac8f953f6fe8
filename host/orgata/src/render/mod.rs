//! What people see.

pub(crate) mod amount;
pub(crate) mod bars;
pub(crate) mod simulation;
pub(crate) mod table;
pub(crate) mod timeline;

use serde_json::Value;

use crate::cli::Global;

/// JSON for programs, indented for people who look all the same.
pub(crate) fn print_json(value: &Value) -> anyhow::Result<()> {
    println!("{}", serde_json::to_string_pretty(value)?);
    Ok(())
}

/// What became of it: as it was told for programs, in these words for people.
pub(crate) fn tell(global: &Global, told: &Value, words: impl FnOnce() -> String) -> anyhow::Result<()> {
    if global.json {
        return print_json(told);
    }
    println!("{}", words());
    Ok(())
}

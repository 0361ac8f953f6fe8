//! Tables.

use comfy_table::{ContentArrangement, Table, presets};
use dialoguer::console::{Term, truncate_str};
use serde_json::Value;

/// Longest value in a cell, in characters.
const MAX_CELL: usize = 80;

/// Prints rows under their columns. On a terminal a row takes one line, and what has no room is cut.
pub(crate) fn print<const N: usize>(columns: &[&str; N], rows: impl Iterator<Item = [String; N]>) {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(columns);
    for row in rows {
        table.add_row(row);
    }
    table.column_iter_mut().for_each(|column| {
        column.set_padding((0, 2));
    });
    let out = Term::stdout();
    let width = if out.is_term() { usize::from(out.size().1) } else { usize::MAX };
    for line in table.trim_fmt().lines() {
        println!("{}", truncate_str(line, width, "…"));
    }
}

/// A value as a cell: texts bare, nothing as a dash, everything else as JSON.
pub(crate) fn text(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// A time, to the second.
pub(crate) fn time(value: &Value) -> String {
    let time = value.as_str().and_then(|text| text.parse::<jiff::Timestamp>().ok());
    time.map_or_else(|| text(value), |time| time.strftime("%Y-%m-%d %H:%M:%SZ").to_string())
}

/// A value as a cell, cut to fit a line.
pub(crate) fn shortened(value: &Value) -> String {
    let text = text(value);
    match text.char_indices().nth(MAX_CELL) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text,
    }
}

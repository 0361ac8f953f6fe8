//! What Cargo prints with `--message-format json`: mistakes with their places, and where the component is.

use std::path::PathBuf;

use orgata_engine::ports::SourceProblem;
use serde_json::Value;

/// Most problems of a kind that are told.
const MOST: usize = 50;

/// What counts of Cargo's messages.
#[derive(Debug, Default)]
pub(super) struct Messages {
    pub(super) errors: Vec<SourceProblem>,
    pub(super) warnings: Vec<SourceProblem>,
    /// The component of the plugin itself: of the last crate that makes one.
    pub(super) component: Option<PathBuf>,
}

impl Messages {
    /// Reads them, one a line. What is none of them was printed by a build script.
    pub(super) fn read(output: &[u8]) -> Self {
        let mut messages = Self::default();
        for line in output.split(|byte| *byte == b'\n') {
            let Ok(message) = serde_json::from_slice::<Value>(line) else { continue };
            match message.get("reason").and_then(Value::as_str) {
                Some("compiler-message") => messages.add(message.get("message").unwrap_or(&Value::Null)),
                Some("compiler-artifact") => {
                    messages.component = component(&message).or(messages.component.take())
                }
                _ => {}
            }
        }
        messages
    }

    fn add(&mut self, message: &Value) {
        let kind = match message.get("level").and_then(Value::as_str) {
            Some("error") => &mut self.errors,
            Some("warning") => &mut self.warnings,
            _ => return,
        };
        let place = message.get("spans").and_then(Value::as_array).into_iter().flatten();
        let place = place.into_iter().find(|span| span.get("is_primary") == Some(&Value::Bool(true)));
        // Without a place it sums up the others: "aborting due to 2 previous errors".
        if let (Some(place), true) = (place, kind.len() < MOST) {
            kind.push(problem(message, place));
        }
    }
}

fn problem(message: &Value, place: &Value) -> SourceProblem {
    let number =
        |key: &str| place.get(key).and_then(Value::as_u64).and_then(|number| u32::try_from(number).ok());
    let text = |value: &Value, key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
    let label = text(place, "label").map_or_else(String::new, |label| format!(" ({label})"));
    SourceProblem {
        file: text(place, "file_name"),
        line: number("line_start"),
        column: number("column_start"),
        message: format!("{}{label}", text(message, "message").unwrap_or_default()),
    }
}

fn component(message: &Value) -> Option<PathBuf> {
    let texts = |pointer: &str| {
        message.pointer(pointer).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
    };
    if !texts("/target/crate_types").any(|kind| kind == "cdylib") {
        return None;
    }
    texts("/filenames").find(|file| file.ends_with(".wasm")).map(PathBuf::from)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn mistakes_have_their_places_and_the_component_its_path() {
        let told = |level: &str, spans: Value| {
            json!({ "reason": "compiler-message", "message": {
            "level": level, "message": "mismatched types", "spans": spans } })
        };
        let place = json!([{ "is_primary": false }, { "is_primary": true, "file_name": "src/lib.rs", "line_start": 7,
            "column_start": 3, "label": "expected `u8`" }]);
        let lines = [
            told("error", place.clone()),
            told("error", json!([])),
            told("warning", place),
            told("note", json!([])),
            json!({ "reason": "compiler-artifact", "target": { "crate_types": ["cdylib"] },
                "filenames": ["/build/x.d", "/build/x.wasm"] }),
            json!({ "reason": "compiler-artifact", "target": { "crate_types": ["lib"] }, "filenames": ["/b/y.rlib"] }),
        ];
        let mut output = b"printed by a build script\n".to_vec();
        lines.iter().for_each(|line| output.extend(format!("{line}\n").bytes()));
        let messages = Messages::read(&output);
        let problem = SourceProblem {
            file: Some("src/lib.rs".to_owned()),
            line: Some(7),
            column: Some(3),
            message: "mismatched types (expected `u8`)".to_owned(),
        };
        assert_eq!(messages.errors, std::slice::from_ref(&problem));
        assert_eq!(messages.warnings, [problem]);
        assert_eq!(messages.component, Some("/build/x.wasm".into()));
    }
}

//! Rules about source code.

use super::Finding;
use super::tree::File;

/// More lines than this want a second look; so do functions of over 60, which reading finds.
const MOST_LINES: usize = 450;

/// What the length rule looks at.
const CODE: &[&str] = &["rs", "wit", "wat", "js", "mjs", "ts", "py", "sql", "sh"];

/// Every Rust file says first what it is for.
pub(super) fn opens_with_its_purpose(file: &File) -> Vec<Finding> {
    if file.kind() != "rs" || file.text.starts_with("//! ") || file.text.starts_with("//!\n") {
        return Vec::new();
    }
    let advice = "begin the file with `//!`: what it is for, what holds, what is not here";
    vec![Finding::new(file, 1, "opening", advice)]
}

/// No file grows out of sight.
pub(super) fn is_not_too_long(file: &File) -> Vec<Finding> {
    let generated = file.text.lines().take(3).any(|line| line.contains(concat!("@", "generated")));
    let lines = file.text.lines().count();
    if !CODE.contains(&file.kind()) || generated || lines <= MOST_LINES {
        return Vec::new();
    }
    let advice = format!("{lines} lines, {MOST_LINES} at most: split it by what its parts are about");
    vec![Finding::new(file, MOST_LINES + 1, "length", advice)]
}

/// Nothing is left for later, and no test is asleep.
pub(super) fn is_finished(file: &File) -> Vec<Finding> {
    // In two halves, so that this file does not find itself.
    let marks = [
        (concat!("todo", "!("), "write it, or return a typed error that says it cannot be done"),
        (concat!("unimplemented", "!("), "write it, or return a typed error that says it cannot be done"),
        (concat!("#[", "ignore"), "run the test or delete it: nobody sees a test that is asleep"),
    ];
    let mut found = Vec::new();
    for (line, text) in code_lines(file) {
        for (mark, advice) in marks {
            if text.contains(mark) {
                found.push(Finding::new(file, line, "unfinished", format!("`{mark}`: {advice}")));
            }
        }
    }
    found
}

/// Stories wait for what they expect, within a bound, and never for time to pass. (A crate's own tests may
/// need slow servers and slow writers; there, reading decides. `tests/disk/` is what makes a disk slow.)
pub(super) fn waits_for_conditions(file: &File) -> Vec<Finding> {
    if !file.path.starts_with("tests/") || file.path.starts_with("tests/disk/") {
        return Vec::new();
    }
    let sleeps = code_lines(file).filter(|(_, text)| text.contains(concat!("sleep", "(")));
    sleeps
        .map(|(line, _)| {
            let advice =
                "wait for the condition that the test is about (`TestHost::until`, `Witness::until`)";
            Finding::new(file, line, "sleep", advice)
        })
        .collect()
}

/// Inside `api`, the protocols share `wire` and never each other.
pub(super) fn adapters_stay_apart(file: &File) -> Vec<Finding> {
    const ADAPTERS: [&str; 3] = ["rest", "ws", "mcp"];
    let Some(inside) = file.path.strip_prefix("host/api/src/") else {
        return Vec::new();
    };
    let own = inside.split(['/', '.']).next().unwrap_or_default();
    if !ADAPTERS.contains(&own) {
        return Vec::new();
    }
    let mut found = Vec::new();
    for (line, text) in code_lines(file) {
        for other in ADAPTERS.into_iter().filter(|other| *other != own) {
            if names_module(text, other) {
                let advice = format!("`{own}` names `{other}`: move what both need to `wire`");
                found.push(Finding::new(file, line, "adapters", advice));
            }
        }
    }
    found
}

/// True when the line has `crate::module` as a whole path segment.
fn names_module(line: &str, module: &str) -> bool {
    let path = format!("crate::{module}");
    line.match_indices(&path).any(|(at, _)| {
        let next = line.get(at + path.len()..).and_then(|rest| rest.chars().next());
        !next.is_some_and(|letter| letter.is_alphanumeric() || letter == '_')
    })
}

/// The lines of a Rust file that are not comments.
fn code_lines(file: &File) -> impl Iterator<Item = (usize, &str)> {
    let rust = file.kind() == "rs";
    file.lines().filter(move |(_, line)| rust && !line.trim_start().starts_with("//"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_a_purpose_is_noticed() {
        assert_eq!(opens_with_its_purpose(&File::sample("a.rs", "use x;\n")).len(), 1);
        assert_eq!(opens_with_its_purpose(&File::sample("a.rs", "//!\n")).len(), 0);
        assert_eq!(opens_with_its_purpose(&File::sample("a.js", "x\n")).len(), 0);
    }

    #[test]
    fn a_long_file_is_noticed_unless_it_is_generated() {
        let long = "x\n".repeat(MOST_LINES + 1);
        assert_eq!(is_not_too_long(&File::sample("a.rs", &long)).first().unwrap().line, MOST_LINES + 1);
        assert_eq!(is_not_too_long(&File::sample("a.rs", &"x\n".repeat(MOST_LINES))).len(), 0);
        let generated = format!("// @{}\n{long}", "generated");
        assert_eq!(is_not_too_long(&File::sample("a.rs", &generated)).len(), 0);
        assert_eq!(is_not_too_long(&File::sample("a.md", &long)).len(), 0);
    }

    #[test]
    fn work_left_for_later_is_noticed() {
        let text = format!("fn a() {{ todo{}(); }}\n#[{}]\n// todo{}()\n", "!", "ignore = \"slow\"", "!");
        let lines: Vec<_> = is_finished(&File::sample("a.rs", &text)).iter().map(|f| f.line).collect();
        assert_eq!(lines, [1, 2]);
    }

    #[test]
    fn a_test_that_sleeps_is_noticed() {
        let text = format!("//! x\ntokio::time::sleep{}Duration::from_secs(1)).await;\n", "(");
        assert_eq!(waits_for_conditions(&File::sample("tests/src/host.rs", &text)).len(), 1);
        assert_eq!(waits_for_conditions(&File::sample("host/engine/src/clock.rs", &text)).len(), 0);
    }

    #[test]
    fn protocols_that_know_each_other_are_noticed() {
        let text = "use crate::ws::Frame;\nuse crate::wire::View;\nuse crate::wstring::X;\n";
        assert_eq!(adapters_stay_apart(&File::sample("host/api/src/rest/run.rs", text)).len(), 1);
        assert_eq!(adapters_stay_apart(&File::sample("host/api/src/rest.rs", text)).len(), 1);
        assert_eq!(adapters_stay_apart(&File::sample("host/api/src/ws/mod.rs", text)).len(), 0);
        assert_eq!(adapters_stay_apart(&File::sample("host/api/src/lib.rs", text)).len(), 0);
    }
}

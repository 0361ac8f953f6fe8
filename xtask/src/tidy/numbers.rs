//! Every number that the host counts says what it means.

use std::collections::BTreeSet;

use super::Finding;
use super::tree::File;

/// What records a number.
const COUNTS: [&str; 3] = ["counter!(", "gauge!(", "histogram!("];
/// What comes before it where the number is explained.
const DESCRIBES: &str = "describe_";

/// Numbers that are recorded in `host/` and described nowhere in it: `/metrics` would show them without a word.
pub(super) fn are_described(files: &[File]) -> Vec<Finding> {
    let sources = || files.iter().filter(|file| file.kind() == "rs" && file.path.starts_with("host/"));
    let described: BTreeSet<_> =
        sources().flat_map(numbers).filter(|it| it.is_described).map(|it| it.name).collect();
    let silent = |file| {
        let own = numbers(file).into_iter().filter(|it| !it.is_described && !described.contains(it.name));
        own.map(move |it| {
            let advice = format!("say what `{}` means in the `describe_metrics` of its crate", it.name);
            Finding::new(file, it.line, "number", advice)
        })
    };
    sources().flat_map(silent).collect()
}

/// A number that is named in a file.
struct Number<'f> {
    name: &'f str,
    line: usize,
    is_described: bool,
}

fn numbers(file: &File) -> Vec<Number<'_>> {
    let places = COUNTS.iter().flat_map(|count| file.text.match_indices(count));
    let read = |(at, count): (usize, &str)| {
        let (before, after) = (file.text.get(..at)?, file.text.get(at + count.len()..)?);
        let name = after.trim_start().strip_prefix('"')?.split('"').next()?;
        let is_described = before.ends_with(DESCRIBES);
        Some(Number { name, line: before.lines().count().max(1), is_described })
    };
    places.filter_map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_that_says_nothing_is_noticed() {
        let counts = "//!\nfn a() {\n    metrics::counter!(\n        \"a_total\",\n    );\n    gauge!(\"b\").set(1);\n}\n";
        let one = File::sample("host/engine/src/a.rs", counts);
        let other =
            File::sample("host/api/src/b.rs", "//!\nfn b() { describe_counter!(\"a_total\", \"As\"); }\n");
        let found = are_described(&[one, other]);
        assert_eq!(
            found.iter().map(|it| (it.file.as_str(), it.line)).collect::<Vec<_>>(),
            [("host/engine/src/a.rs", 6)]
        );
        assert!(found[0].advice.contains("`b`"));
        assert!(are_described(&[File::sample("tests/a.rs", counts)]).is_empty());
    }
}

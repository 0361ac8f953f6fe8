//! Rules about any file that people wrote, and about its name.

use super::Finding;
use super::tree::File;

/// Beginnings of paths that exist on one machine only. In two halves, so that this file does not find itself.
const MACHINE_PATHS: [&str; 4] =
    [concat!("/wo", "rk"), concat!("/ro", "ot"), concat!("/ho", "me/"), concat!("/Us", "ers/")];

/// Names that say nothing of what is inside.
const EMPTY_NAMES: [&str; 8] =
    ["utils", "util", "helpers", "helper", "manager", "managers", "common", "misc"];

/// No file knows the machine that it was written on.
pub(super) fn names_no_machine(file: &File) -> Vec<Finding> {
    let mut found = Vec::new();
    for (line, text) in file.lines() {
        for path in MACHINE_PATHS {
            if text
                .match_indices(path)
                .any(|(at, _)| begins_here(text, at) && ends_here(text, at + path.len()))
            {
                let advice =
                    format!("`{path}…` exists on one machine only: say it relative to the repository");
                found.push(Finding::new(file, line, "machine path", advice));
            }
        }
    }
    found
}

/// False in the middle of a longer path or of a URL.
fn begins_here(text: &str, at: usize) -> bool {
    let before = text.get(..at).and_then(|head| head.chars().next_back());
    !before.is_some_and(|letter| letter.is_alphanumeric() || "_-./}>)]".contains(letter))
}

/// False when the folder's name goes on, as in `/workflows`.
fn ends_here(text: &str, at: usize) -> bool {
    let closed = at.checked_sub(1).and_then(|last| text.get(last..at)) == Some("/");
    let next = text.get(at..).and_then(|tail| tail.chars().next());
    closed || !next.is_some_and(|letter| letter.is_alphanumeric() || "_-.".contains(letter))
}

/// Files and folders are named by what they are about.
pub(super) fn has_a_telling_name(file: &File) -> Vec<Finding> {
    if file.kind() != "rs" {
        return Vec::new();
    }
    let parts = file.path.trim_end_matches(".rs").split('/');
    let empty = parts.into_iter().find(|part| part.split('_').any(|word| EMPTY_NAMES.contains(&word)));
    let advice =
        empty.map(|part| format!("`{part}` says nothing: name it by the verbs and nouns of what is inside"));
    advice.into_iter().map(|advice| Finding::new(file, 1, "name", advice)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_of_one_machine_is_noticed() {
        for (head, tail) in
            [("/wo", "rk/main"), ("\"/ro", "ot\""), ("see /ho", "me/me/x"), ("(/Us", "ers/me)")]
        {
            let found = names_no_machine(&File::sample("README.md", &format!("{head}{tail}\n")));
            assert_eq!(found.len(), 1, "{head}{tail}");
        }
    }

    #[test]
    fn a_path_of_ours_that_looks_alike_is_fine() {
        for fine in ["/wor\u{6b}flows", "host/wor\u{6b}/x", "https://x.org/hom\u{65}/", "/roo\u{74}s"] {
            assert_eq!(names_no_machine(&File::sample("README.md", fine)), [], "{fine}");
        }
    }

    #[test]
    fn a_name_that_says_nothing_is_noticed() {
        for path in ["host/api/src/utils.rs", "tests/tests/common/mod.rs", "host/x/src/plugin_manager.rs"] {
            assert_eq!(has_a_telling_name(&File::sample(path, "")).len(), 1, "{path}");
        }
        assert_eq!(has_a_telling_name(&File::sample("host/model/src/commonality.rs", "")), []);
    }
}

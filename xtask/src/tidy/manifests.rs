//! Rules about `Cargo.toml` files.

use super::Finding;
use super::tree::File;

/// Every crate takes the workspace's lints: a crate that forgets it is checked by nothing.
pub(super) fn shares_the_lints(file: &File) -> Vec<Finding> {
    if file.name() != "Cargo.toml" || !has_section(file, "package") || takes_workspace_lints(file) {
        return Vec::new();
    }
    vec![Finding::new(file, 1, "lints", "add `[lints]` with `workspace = true`")]
}

fn has_section(file: &File, name: &str) -> bool {
    file.text.lines().any(|line| section(line) == Some(name))
}

fn takes_workspace_lints(file: &File) -> bool {
    let mut inside = false;
    for line in file.text.lines() {
        if let Some(name) = section(line) {
            inside = name == "lints";
        } else if inside && line.replace(' ', "").starts_with("workspace=true") {
            return true;
        }
    }
    false
}

fn section(line: &str) -> Option<&str> {
    line.trim().strip_prefix('[')?.strip_suffix(']')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crate_without_the_lints_is_noticed() {
        let bare =
            "[package]\nname = \"a\"\n\n[lints]\nrust.unsafe_code = \"allow\"\n\n[x]\nworkspace = true\n";
        assert_eq!(shares_the_lints(&File::sample("host/a/Cargo.toml", bare)).len(), 1);
        let good = "[package]\nname = \"a\"\n\n[lints]\nworkspace = true\n";
        assert_eq!(shares_the_lints(&File::sample("host/a/Cargo.toml", good)), []);
        assert_eq!(shares_the_lints(&File::sample("Cargo.toml", "[workspace]\nmembers = []\n")), []);
    }
}

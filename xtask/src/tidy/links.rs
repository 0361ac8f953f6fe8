//! Links between the documents lead somewhere.
//!
//! Only links inside the repository are followed: whether another site still stands is not ours to test.

use super::Finding;
use super::tree::File;

/// Checks each `[text](target)`; `exists` knows paths from the root.
pub(super) fn resolve(file: &File, exists: &dyn Fn(&str) -> bool) -> Vec<Finding> {
    if file.kind() != "md" {
        return Vec::new();
    }
    let mut found = Vec::new();
    let mut fenced = false;
    for (line, text) in file.lines() {
        if text.trim_start().starts_with("```") {
            fenced = !fenced;
        }
        if fenced {
            continue;
        }
        for target in targets(text) {
            if let Some(advice) = fault(file, target, exists) {
                found.push(Finding::new(file, line, "link", advice));
            }
        }
    }
    found
}

/// What is wrong with one target.
fn fault(file: &File, target: &str, exists: &dyn Fn(&str) -> bool) -> Option<String> {
    if target.contains("://") || target.starts_with("mailto:") {
        return None;
    }
    let (path, heading) =
        target.split_once('#').map_or((target, None), |(path, heading)| (path, Some(heading)));
    if path.is_empty() {
        let heading = heading?;
        return (!has_heading(&file.text, heading))
            .then(|| format!("there is no heading `#{heading}` in this file"));
    }
    let folder = file.path.rsplit_once('/').map_or("", |(folder, _)| folder);
    match join(folder, path) {
        Some(path) if exists(&path) => None,
        Some(path) => Some(format!("`{path}` does not exist: correct the link or write the file")),
        None => Some(format!("`{target}` leads out of the repository")),
    }
}

/// The targets of a line's links, images too. Text in backticks is not a link.
fn targets(line: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = line;
    while let Some((before, after)) = rest.split_once("](") {
        let quoted = before.matches('`').count() % 2 == 1;
        let Some((target, tail)) = after.split_once(')') else {
            break;
        };
        // `[a](path "title")` has a title behind the path.
        if let (false, Some(target)) = (quoted, target.split_whitespace().next()) {
            found.push(target);
        }
        rest = if quoted { after } else { tail };
    }
    found
}

/// `path` as seen from `folder`, from the root; nothing when it climbs out.
fn join(folder: &str, path: &str) -> Option<String> {
    let base = if path.starts_with('/') { "" } else { folder };
    let mut parts = Vec::new();
    for part in base.split('/').chain(path.split('/')) {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

/// Headings become anchors as GitHub makes them: lower case, words joined by `-`, the rest dropped.
fn has_heading(text: &str, anchor: &str) -> bool {
    text.lines().filter_map(|line| line.strip_prefix('#')).any(|heading| {
        let heading = heading.trim_start_matches('#').trim().to_lowercase();
        let slug: String = heading
            .chars()
            .filter(|letter| letter.is_alphanumeric() || " -_".contains(*letter))
            .map(|letter| if letter == ' ' { '-' } else { letter })
            .collect();
        slug == anchor
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str) -> Vec<Finding> {
        resolve(&File::sample("docs/guide.md", text), &|path| path == "README.md" || path == "docs/other.md")
    }

    #[test]
    fn a_link_that_leads_nowhere_is_noticed() {
        assert_eq!(
            check("see [this](gone.md)\n").first().unwrap().advice,
            "`docs/gone.md` does not exist: correct the link or write the file"
        );
        assert_eq!(check("see [this](other.md) and ![that](../pic.png)\n").len(), 1);
        assert_eq!(check("[out](../../x.md)\n").len(), 1);
        assert_eq!(check("[far](#nowhere)\n").len(), 1);
    }

    #[test]
    fn a_link_that_leads_somewhere_is_fine() {
        assert_eq!(
            check(
                "# The way in\n[a](other.md#x) [b](../README.md \"t\") [c](https://x.org/y) [d](#the-way-in)\n"
            ),
            []
        );
    }

    #[test]
    fn code_has_no_links() {
        assert_eq!(check("`[a](gone.md)`\n```\n[b](gone.md)\n```\n"), []);
    }
}

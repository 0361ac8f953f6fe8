//! What was probably meant.

/// A hint that names what was probably meant, or everything that there is.
pub(super) fn nearest<'n>(wrong: &str, names: impl Iterator<Item = &'n str> + Clone) -> String {
    match among(wrong, names.clone()) {
        Some((name, distance)) if distance <= (wrong.chars().count() / 3).max(1) => {
            format!("did you mean `{name}`?")
        }
        Some(_) => format!("there are: {}", names.collect::<Vec<_>>().join(", ")),
        None => "there are none".to_owned(),
    }
}

/// The name that takes the fewest edits, and how many.
pub(super) fn among<'n>(wrong: &str, names: impl Iterator<Item = &'n str>) -> Option<(&'n str, usize)> {
    names.map(|name| (name, distance(wrong, name))).min_by_key(|(_, distance)| *distance)
}

/// How many characters must be put in, taken out or changed (Levenshtein).
fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (line, a) in from.chars().enumerate() {
        let mut left = line + 1;
        let mut above_left = line;
        for (cell, b) in row.iter_mut().skip(1).zip(&to) {
            let changed = above_left + usize::from(a != *b);
            above_left = *cell;
            left = changed.min(left + 1).min(*cell + 1);
            *cell = left;
        }
        if let Some(first) = row.first_mut() {
            *first = line + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edits_are_counted() {
        for (from, to, edits) in
            [("", "", 0), ("", "abc", 3), ("kitten", "sitting", 3), ("gathr", "gather", 1), ("ab", "ba", 2)]
        {
            assert_eq!(distance(from, to), edits, "{from} {to}");
            assert_eq!(distance(to, from), edits, "{to} {from}");
        }
    }

    #[test]
    fn a_hint_names_what_was_meant_or_what_there_is() {
        let names = || ["gather", "spread"].into_iter();
        assert_eq!(nearest("gathr", names()), "did you mean `gather`?");
        assert_eq!(nearest("assemble", names()), "there are: gather, spread");
        assert_eq!(nearest("x", [].into_iter()), "there are none");
    }
}

//! Texts with what is another at every run taken out, and nothing else: ids, digests, moments, and times in tables.

use jiff::Timestamp;

/// The text with a word in angle brackets for everything that varies.
pub(crate) fn redacted(text: &str) -> String {
    text.split_inclusive('\n').map(redacted_line).collect()
}

/// Times vary where they are measured: in the rows of a table and the sentence above it, and not in YAML.
fn redacted_line(text: &str) -> String {
    let measures = text.starts_with("| ") || text.contains(" it took ");
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.find(|next| !is_inside(next)).unwrap_or(rest.len());
        let (word, behind) = rest.split_at(end);
        // A full stop or a colon at the end is the sentence's.
        let bare = word.trim_end_matches(['.', ':']);
        shown.push_str(instead(bare, measures).unwrap_or(bare));
        shown.push_str(&word[bare.len()..]);
        let next = behind.chars().next().map_or(0, char::len_utf8);
        shown.push_str(&behind[..next]);
        rest = &behind[next..];
    }
    shown
}

/// Whether it may stand inside of an id or a moment.
fn is_inside(next: char) -> bool {
    next.is_ascii_alphanumeric() || matches!(next, '_' | ':' | '.' | '-')
}

fn instead(word: &str, measures: bool) -> Option<&'static str> {
    let hex = |text: &str, digits: usize| text.len() == digits && text.bytes().all(|b| b.is_ascii_hexdigit());
    let id = |prefix: &str| word.strip_prefix(prefix).is_some_and(|rest| hex(rest, 32));
    let never = word.ends_with("_00000000000000000000000000000000");
    match word {
        _ if never => None,
        _ if id("exec_") => Some("<execution>"),
        _ if id("int_") => Some("<intervention>"),
        _ if word.strip_prefix("req_").is_some_and(|rest| hex(rest, 24)) => Some("<request>"),
        _ if word.strip_prefix("sha256:").is_some_and(|rest| hex(rest, 64)) => Some("<digest>"),
        _ if word.contains('T') && word.parse::<Timestamp>().is_ok() => Some("<moment>"),
        _ if measures && word.strip_suffix("ms").is_some_and(|n| n.parse::<u64>().is_ok()) => Some("<time>"),
        _ => None,
    }
}

#[test]
fn what_varies_is_taken_out_and_nothing_else() {
    let id = "0195f3a0000070008000000000000001";
    let text = format!(
        "exec_{id}, \"int_{id}\" at 2026-01-01T00:00:00.5Z. There it took 12ms: sha256:{}; 12 arms, exec_1, version 1.0.0…\ninitial: 200ms",
        "ab".repeat(32)
    );
    assert_eq!(
        redacted(&text),
        "<execution>, \"<intervention>\" at <moment>. There it took <time>: <digest>; 12 arms, exec_1, version 1.0.0…\n\
         initial: 200ms"
    );
}

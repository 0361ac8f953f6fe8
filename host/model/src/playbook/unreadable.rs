//! Mistakes that the YAML reader finds, in the words of playbooks.
//!
//! The reader speaks of mapping starts, visitors and policies of its own; whoever wrote the file knows keys,
//! lists and texts. Its errors are matched by kind and never by their text, except those of YAML's own grammar,
//! which come as text alone.

use serde_saphyr::Error;

use crate::diagnostic::Diagnostic;
use crate::expression::Mistake;

use super::nearest::nearest;

/// What the reader found, with its place.
pub(super) fn diagnostic(error: &Error, source: &str) -> Diagnostic {
    let error = innermost(error);
    let place = error.location();
    let (line, column) = place.map_or((0, 0), |place| (place.line(), place.column()));
    let bytes = place.and_then(|place| {
        let span = place.span();
        let start = usize::try_from(span.byte_offset()?).ok()?;
        Some(start..start + usize::try_from(span.byte_len().unwrap_or(1)).ok()?.max(1))
    });
    let span = bytes.unwrap_or_else(|| at(source, line, column));
    let mistake = mistake(error, source, source.get(span.clone()).unwrap_or_default());
    Diagnostic { message: mistake.message, hint: mistake.hint, line, column, path: String::new(), span }
}

fn innermost(mut error: &Error) -> &Error {
    loop {
        error = match error {
            Error::WithSnippet { error, .. } | Error::AliasError { error, .. } => error,
            other => return other,
        };
    }
}

/// The character at a line and column, both counted from 1.
fn at(source: &str, line: u64, column: u64) -> std::ops::Range<usize> {
    let line = usize::try_from(line.saturating_sub(1)).unwrap_or(usize::MAX);
    let column = usize::try_from(column.saturating_sub(1)).unwrap_or(usize::MAX);
    let lines = source.split_inclusive('\n');
    let before: usize = lines.clone().take(line).map(str::len).sum();
    let inside: usize = lines.skip(line).take(1).flat_map(str::chars).take(column).map(char::len_utf8).sum();
    before + inside..before + inside + 1
}

/// `found` is the text at fault.
fn mistake(error: &Error, source: &str, found: &str) -> Mistake {
    match error {
        Error::SerdeUnknownField { field, expected, .. } => unknown_key(field, expected),
        Error::SerdeMissingField { field, .. } => missing(field),
        Error::SerdeUnknownVariant { variant, expected, .. } => Mistake::new(
            format!("`{variant}` is not one of {}", expected.join(", ")),
            nearest(variant, expected.iter().copied()),
        ),
        Error::SerdeInvalidType { unexpected, expected, .. }
        | Error::SerdeInvalidValue { unexpected, expected, .. } => {
            bare(format!("expected {}, found {}", plain(expected), plain(unexpected)))
        }
        Error::InvalidBooleanStrict { .. } => {
            Mistake::new("this is not true or false", "write true or false: yes, no, on and off are texts")
        }
        Error::InvalidScalar { ty, .. } => bare(format!("this is not {}", plain(ty))),
        Error::Unexpected { expected: "mapping start", .. } => {
            Mistake::new("expected a mapping here", "write `key: value` lines")
        }
        Error::Unexpected { expected: "sequence start", .. } => {
            Mistake::new("expected a list here", "begin each entry with `- `, or write [a, b]")
        }
        Error::Unexpected { expected: "string scalar", .. } if found.starts_with('{') => Mistake::new(
            "expected a text here",
            "a text that begins with `{{` needs quotes: \"{{ input.a }}\"",
        ),
        Error::Unexpected { expected: "string scalar", .. } | Error::NullIntoString { .. } => Mistake::new(
            "expected a text here",
            "write it behind the colon, in quotes where it has special characters",
        ),
        Error::DuplicateMappingKey { key, .. } => {
            let key = key.as_deref().map_or_else(|| "a key".to_owned(), |key| format!("the key `{key}`"));
            Mistake::new(format!("{key} stands here twice"), "keep one of the two")
        }
        Error::Eof { .. }
            if source.lines().all(|line| line.trim().is_empty() || line.trim().starts_with('#')) =>
        {
            Mistake::new("the file is empty", "a playbook has at least `name` and `steps`")
        }
        Error::Eof { .. } => bare("the file ends in the middle of something".to_owned()),
        Error::MultipleDocuments { .. } => {
            Mistake::new("behind `---` begins a second playbook", "put each playbook into a file of its own")
        }
        Error::UnknownAnchor { .. } => no_anchor(),
        Error::NonFiniteFloat { value, .. } => {
            Mistake::new(format!("`{value}` is no number that JSON has"), "put it in quotes to mean the text")
        }
        Error::Budget { .. }
        | Error::AliasReplayLimitExceeded { .. }
        | Error::AliasExpansionLimitExceeded { .. }
        | Error::AliasReplayStackDepthExceeded { .. } => too_much(),
        Error::RecursiveReferencesRequireWeakTypes { .. } => {
            Mistake::new("this alias stands inside of what it refers to", "write the value out")
        }
        Error::ExternalMessage { msg, .. } => grammar(msg),
        Error::Message { msg, .. } if found.trim_end().contains('\n') => {
            Mistake::new(msg.clone(), "the text goes on in the next line: look at the indentation there")
        }
        Error::Message { msg, .. } => bare(msg.clone()),
        other => bare(without_place(other)),
    }
}

fn bare(message: String) -> Mistake {
    Mistake { message, hint: None }
}

fn unknown_key(key: &str, known: &[&'static str]) -> Mistake {
    let whose = match known {
        known if known.contains(&"startsAt") => "a scenario",
        known if known.contains(&"takes") => "what an operation gives",
        known if known.contains(&"unanswered") => "an answer",
        known if known.contains(&"kept") => "an outside event",
        known if known.contains(&"undone") => "`expect`",
        known if known.contains(&"prompt") && known.contains(&"timeout") && !known.contains(&"type") => {
            "`ask`"
        }
        known if known.contains(&"roles") => "a playbook",
        known if known.contains(&"intervention") => "a step",
        known if known.contains(&"cron") => "`schedule`",
        known if known.contains(&"prompt") => "an intervention",
        known if known.contains(&"after") => "the timeout of an intervention",
        known if known.contains(&"multiplier") => "a retry policy",
        known if known.contains(&"strategy") => "`concurrency`",
        known if known.contains(&"match") && known.contains(&"input") => "`onEvent`",
        known if known.contains(&"match") => "`wait`",
        known if known.contains(&"goto") && known.len() == 1 => "`onFailure`",
        known if known.contains(&"goto") => "a case of a switch",
        known if known.contains(&"action") => "a compensation",
        known if known.contains(&"onFailure") => "`defaults`",
        known if known.contains(&"message") => "`fail`",
        _ => "this",
    };
    Mistake::new(format!("{whose} has no key `{key}`"), nearest(key, known.iter().copied()))
}

fn missing(key: &str) -> Mistake {
    let (message, hint) = match key {
        "name" => {
            ("a `name` is missing here", "every playbook and every step has one: `name: gather-ingredients`")
        }
        "steps" => ("the playbook has no `steps`", "add `steps:` and a list of them below"),
        "prompt" => ("the intervention has no `prompt`", "add `prompt: what to decide`"),
        "cron" => ("the schedule has no `cron`", "add `cron: 0 8 * * *`, which is every day at 8:00"),
        "event" => ("`onEvent` has no `event`", "add the name of an outside event: `event: order.paid`"),
        "after" => ("the timeout has no `after`", "add `after: 30m`"),
        "code" | "message" => {
            ("`fail` needs a code and a message", "fail: { code: NO_STOCK, message: what is wrong }")
        }
        "goto" => ("`onFailure` says nothing", "write fail, continue, intervene or { goto: STEP }"),
        other => return bare(format!("`{other}` is missing here")),
    };
    Mistake::new(message, hint)
}

fn too_much() -> Mistake {
    Mistake::new(
        "this is nested too deeply, or grows too large",
        "64 levels and 250000 values at most; aliases (`*name`) count each time",
    )
}

fn no_anchor() -> Mistake {
    Mistake::new("this alias refers to nothing", "a text that begins with `*` or `&` needs quotes")
}

/// Mistakes against YAML itself.
fn grammar(text: &str) -> Mistake {
    let hints = [
        ("tab", "indent with spaces"),
        ("mapping values are not allowed", "a text with `: ` in it needs quotes"),
        ("flow mapping", "a text with `{`, `}` or `,` in it needs quotes: \"${input.a}\""),
        ("flow sequence", "a text with `[`, `]` or `,` in it needs quotes"),
        ("illegal placement of ':'", "close the `[`, `{` or quotes that were opened before"),
        ("unclosed bracket", "close every `{` and `[`, and put texts that begin with one in quotes"),
        ("quoted scalar", "close the quotes"),
        ("unexpected character", "put texts with special characters in quotes"),
        ("block mapping", "lines of one mapping begin at the same column"),
    ];
    match text {
        text if text.contains("unknown anchor") => no_anchor(),
        text if text.contains("recursion limit") => too_much(),
        text => {
            let hint =
                hints.into_iter().find(|(word, _)| text.contains(word)).map(|(_, hint)| hint.to_owned());
            Mistake { message: format!("this is not valid YAML: {text}"), hint }
        }
    }
}

/// The reader's word for a kind of value, as people say it.
fn plain(word: &str) -> String {
    match word {
        "sequence" => "a list".to_owned(),
        "map" => "a mapping".to_owned(),
        "unit value" | "null" => "nothing".to_owned(),
        "bool" | "boolean" => "true or false".to_owned(),
        "f64" | "f32" | "floating point" => "a number".to_owned(),
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number, 0 or more".to_owned(),
        "string" | "a string" => "a text".to_owned(),
        other => {
            let kinds = [
                ("string ", "the text "),
                ("integer ", "the number "),
                ("floating point ", "the number "),
                ("boolean ", ""),
            ];
            let found = kinds.into_iter().find_map(|(kind, word)| Some((word, other.strip_prefix(kind)?)));
            found.map_or_else(|| other.to_owned(), |(word, value)| format!("{word}{value}"))
        }
    }
}

/// The reader puts the place into its text; it is told beside it here.
fn without_place(error: &Error) -> String {
    let text = error.to_string();
    match text.rsplit_once(" at line ") {
        Some((message, place)) if place.starts_with(|c: char| c.is_ascii_digit()) => message.to_owned(),
        _ => text,
    }
}

//! Cutting an expression into words, numbers, literals and signs.

use std::ops::Range;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Word,
    Other,
}

#[derive(Debug)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) place: Range<usize>,
}

impl Token {
    pub(super) fn text<'s>(&self, source: &'s str) -> &'s str {
        source.get(self.place.clone()).unwrap_or_default()
    }
}

/// Cuts an expression into words, numbers, literals and signs, as Jinja does.
pub(super) fn tokens(source: &str) -> Vec<Token> {
    let mut tokens: Vec<Token> = Vec::new();
    let mut at = 0;
    while let Some(rest) = source.get(at..)
        && let Some(first) = rest.chars().next()
    {
        let behind_dot = tokens.last().is_some_and(|token| token.text(source) == ".");
        let (kind, length) = match first {
            c if c.is_whitespace() => {
                at += c.len_utf8();
                continue;
            }
            '"' | '\'' => (Kind::Other, super::jinja::literal_len(rest, first)),
            c if c.is_ascii_digit() => (Kind::Other, number_len(rest, behind_dot)),
            c if is_word(c) => (Kind::Word, rest.find(|c| !is_word(c)).unwrap_or(rest.len())),
            _ if rest.starts_with("**") || rest.starts_with("//") => (Kind::Other, 2),
            c => (Kind::Other, c.len_utf8()),
        };
        tokens.push(Token { kind, place: at..at + length });
        at += length;
    }
    tokens
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Bytes of the number in front. One behind a dot is an index, and has no fraction.
fn number_len(text: &str, index: bool) -> usize {
    let mut end = text.find(|c: char| !is_word(c)).unwrap_or(text.len());
    let rest = |end: usize| text.get(end..).unwrap_or_default();
    let fraction = rest(end)
        .strip_prefix('.')
        .is_some_and(|tail| !tail.starts_with(|c: char| is_word(c) && !c.is_ascii_digit()));
    if !index && fraction {
        end += 1 + rest(end + 1).find(|c: char| !is_word(c)).unwrap_or(rest(end + 1).len());
    }
    let exponent =
        text.get(..end).is_some_and(|number| number.ends_with(['e', 'E']) && !number.starts_with("0x"));
    if exponent && let Some(tail) = rest(end).strip_prefix(['+', '-']) {
        end += 1 + tail.find(|c: char| !c.is_ascii_digit()).unwrap_or(tail.len());
    }
    end
}

//! Texts from outside, made fit to be shown and kept: cut to a length, and without what paints or turns others around.

/// The longest beginning of `text` that has at most `bytes` bytes.
pub fn cut(text: &str, bytes: usize) -> &str {
    let end = (0..=bytes.min(text.len())).rev().find(|at| text.is_char_boundary(*at));
    text.get(..end.unwrap_or(0)).unwrap_or_default()
}

/// Whether a text has more characters than that.
pub fn is_longer(text: &str, characters: usize) -> bool {
    text.chars().nth(characters).is_some()
}

/// The text with what [`disturbs`] made visible.
pub fn escaped(text: &str) -> String {
    if !text.contains(disturbs) {
        return text.to_owned();
    }
    text.chars().fold(String::with_capacity(text.len() + 16), |mut escaped, c| {
        if disturbs(c) {
            escaped.extend(c.escape_default())
        } else {
            escaped.push(c)
        }
        escaped
    })
}

/// Control characters, ends of lines that are not everybody's, and those that turn the direction of a text around.
pub fn disturbs(c: char) -> bool {
    c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Two hex digits a byte, in small letters.
pub fn hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from(if nibble < 10 { b'0' + nibble } else { b'a' + nibble - 10 });
    // Written at every commit of every execution: one allocation, no formatting.
    let mut hex = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        hex.push(digit(byte >> 4));
        hex.push(digit(byte & 0xf));
    }
    hex
}

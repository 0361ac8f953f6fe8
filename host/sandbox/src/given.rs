//! Secrets that a guest was given, and taking them out of whatever it says.
//!
//! Everything that leaves a guest and is kept or shown (results, questions, failures, lines of its log, what it prints,
//! progress, state) passes here, before it is cut to a length: a secret must not be saved by half. A value is found as it
//! is, line by line, and in the spellings that tools make of it: base64, hex, percent signs, escapes of JSON.
//!
//! A guest that means to tell can spell it otherwise: what it may read it may also send to the servers that it was granted.
//! This keeps secrets from where they get by mistake. Values of less than [`SHORTEST`] bytes are not looked for: they would
//! be found everywhere.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use orgata_engine::ports::{Question, SessionContext};
use orgata_model::{Failure, PluginName, SecretName};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;

/// Shorter values, and parts of values at an edge, are not looked for. In bytes.
const SHORTEST: usize = 6;

/// What the calls of one session were given. Values stay until the session ends: a guest may remember them.
#[derive(Default)]
pub(crate) struct Given(Mutex<Known>);

#[derive(Default)]
struct Known {
    /// What is looked for, the longest first, and what stands there instead.
    spellings: Vec<(SecretString, String)>,
    /// Which plugins' grants were learnt, at which count of changes.
    learnt: BTreeSet<(PluginName, u64)>,
}

impl std::fmt::Debug for Given {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Given")
    }
}

impl Given {
    /// Learns what is granted to a plugin: it may have read it earlier and kept it.
    pub(crate) fn learn(&self, session: &SessionContext, plugin: &PluginName) {
        let Some(grants) = session.grants.configured(plugin).filter(|grants| !grants.secrets.is_empty())
        else {
            return;
        };
        if !self.lock().learnt.insert((plugin.clone(), session.secrets.changes())) {
            return;
        }
        for name in &grants.secrets {
            if let Ok(Some(value)) = session.secrets.reveal(name) {
                self.add(name, &value);
            }
        }
    }

    /// Remembers a value that is given now.
    pub(crate) fn add(&self, name: &SecretName, value: &SecretString) {
        let instead = format!("[secret {name}]");
        let mut known = self.lock();
        for spelling in spellings(value.expose_secret()) {
            if !known.spellings.iter().any(|(other, _)| other.expose_secret() == spelling) {
                known.spellings.push((SecretString::from(spelling), instead.clone()));
            }
        }
        known.spellings.sort_by_key(|(spelling, _)| std::cmp::Reverse(spelling.expose_secret().len()));
    }

    /// The text without secrets. Half a secret at an end of it, where somebody cut it, is one too.
    pub(crate) fn redacted(&self, text: &str) -> String {
        let known = self.lock();
        let mut text = text.to_owned();
        for (spelling, instead) in &known.spellings {
            if text.contains(spelling.expose_secret()) {
                text = text.replace(spelling.expose_secret(), instead);
            }
        }
        for (spelling, instead) in &known.spellings {
            let spelling = spelling.expose_secret();
            if let Some(length) = overlap(spelling, |part| text.ends_with(part), true) {
                text.truncate(text.len() - length);
                text.push_str(instead);
            }
            if let Some(length) = overlap(spelling, |part| text.starts_with(part), false) {
                text.replace_range(..length, instead);
            }
        }
        text
    }

    fn is_empty(&self) -> bool {
        self.lock().spellings.is_empty()
    }

    /// The value without secrets, in keys and numbers too.
    pub(crate) fn redact(&self, value: &mut Value) {
        if self.is_empty() {
            return;
        }
        self.redact_inside(value);
    }

    // As deep as JSON may be that was parsed: 128 levels.
    fn redact_inside(&self, value: &mut Value) {
        match value {
            Value::String(text) => *text = self.redacted(text),
            Value::Array(items) => items.iter_mut().for_each(|item| self.redact_inside(item)),
            Value::Object(fields) => {
                let inside = std::mem::take(fields);
                for (key, mut value) in inside {
                    self.redact_inside(&mut value);
                    fields.insert(self.redacted(&key), value);
                }
            }
            Value::Number(number) => {
                let text = number.to_string();
                let redacted = self.redacted(&text);
                if redacted != text {
                    *value = Value::String(redacted);
                }
            }
            Value::Null | Value::Bool(_) => {}
        }
    }

    /// JSON text without secrets; what is no JSON as any text.
    pub(crate) fn redacted_json(&self, json: String) -> String {
        if self.is_empty() {
            return json;
        }
        match serde_json::from_str::<Value>(&json) {
            Ok(mut value) => {
                self.redact_inside(&mut value);
                value.to_string()
            }
            Err(_) => self.redacted(&json),
        }
    }

    /// The question without secrets.
    pub(crate) fn redact_question(&self, question: &mut Question) {
        if self.is_empty() {
            return;
        }
        for text in [&mut question.kind, &mut question.prompt].into_iter().chain(&mut question.options) {
            *text = self.redacted(text);
        }
        question.response_schema.as_mut().into_iter().for_each(|schema| self.redact_inside(schema));
        self.redact_inside(&mut question.resume_state);
    }

    /// The failure without secrets.
    pub(crate) fn redact_failure(&self, failure: &mut Failure) {
        if self.is_empty() {
            return;
        }
        failure.code = self.redacted(&failure.code);
        failure.message = self.redacted(&failure.message);
        failure.details.as_mut().into_iter().for_each(|details| self.redact_inside(details));
        for cause in &mut failure.causes {
            *cause = self.redacted(cause);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How much of the beginning of a spelling, or else of its end, stands where `is_there` looks; not all of it.
fn overlap(spelling: &str, is_there: impl Fn(&str) -> bool, beginning: bool) -> Option<usize> {
    (SHORTEST..spelling.len()).rev().find(|length| {
        let part = match beginning {
            true => spelling.get(..*length),
            false => spelling.get(spelling.len() - *length..),
        };
        part.is_some_and(&is_there)
    })
}

/// A value as guests and libraries may spell it.
fn spellings(value: &str) -> Vec<String> {
    let bytes = value.as_bytes();
    let json = serde_json::to_string(value).unwrap_or_default();
    let hex = orgata_model::text::hex(bytes);
    let percent = |upper: bool| -> String {
        let spelt = |byte: &u8| match *byte {
            byte if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) => char::from(byte).to_string(),
            byte if upper => format!("%{byte:02X}"),
            byte => format!("%{byte:02x}"),
        };
        bytes.iter().map(spelt).collect()
    };
    let mut all = vec![
        value.to_owned(),
        value.trim().to_owned(),
        json.trim_matches('"').to_owned(),
        value.escape_default().to_string(),
        value.escape_debug().to_string(),
        percent(true),
        percent(false),
        percent(true).replace("%20", "+"),
        hex.to_uppercase(),
        hex,
        STANDARD.encode(bytes),
        STANDARD_NO_PAD.encode(bytes),
        URL_SAFE.encode(bytes),
        URL_SAFE_NO_PAD.encode(bytes),
    ];
    // Printing takes a text apart at its lines.
    all.extend(value.lines().map(|line| line.trim().to_owned()));
    all.retain(|spelling| spelling.len() >= SHORTEST);
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn given(value: &str) -> Given {
        let given = Given::default();
        given.add(&"TOKEN".parse().unwrap(), &SecretString::from(value));
        given
    }

    #[test]
    fn a_secret_is_found_in_every_usual_spelling() {
        let value = "p@ss wörd/1+";
        let given = given(value);
        for spelt in spellings(value) {
            let told = given.redacted(&format!("before {spelt} after"));
            assert_eq!(told, "before [secret TOKEN] after", "{spelt}");
        }
        assert_eq!(given.redacted("nothing here"), "nothing here");
    }

    #[test]
    fn half_a_secret_where_a_text_was_cut_is_found() {
        let given = given("0123456789abcdef");
        assert_eq!(given.redacted("it said 0123456789"), "it said [secret TOKEN]");
        assert_eq!(given.redacted("89abcdef was the end"), "[secret TOKEN] was the end");
        assert_eq!(given.redacted("it said 01234"), "it said 01234", "that could be anything");
    }

    #[test]
    fn values_are_searched_through() {
        let given = given("12345678");
        let mut value = json!({ "a": ["x12345678y", { "12345678": null }], "n": 12345678, "m": 7 });
        given.redact(&mut value);
        let told =
            json!({ "a": ["x[secret TOKEN]y", { "[secret TOKEN]": null }], "n": "[secret TOKEN]", "m": 7 });
        assert_eq!(value, told);
        assert_eq!(given.redacted_json("\"12345678\"".to_owned()), "\"[secret TOKEN]\"");
    }

    #[test]
    fn each_line_of_a_long_secret_is_one() {
        let given = given("-----BEGIN KEY-----\nMIIEvQIBADANBgkqh\n-----END KEY-----\n");
        assert_eq!(given.redacted("MIIEvQIBADANBgkqh"), "[secret TOKEN]");
    }

    #[test]
    fn a_short_one_is_left_alone() {
        assert_eq!(given("abc").redacted("abc"), "abc");
    }
}

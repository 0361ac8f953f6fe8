//! What a runtime says of the AI model that its operations may ask, and what asking has cost.
//!
//! Nothing here asks anybody: `engine::sampling` does, through the providers of `gateway`.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use serde::de::value::SeqAccessDeserializer;
use serde::de::{self, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use crate::duration::DurationText;
use crate::ids::SecretName;

/// Longest time of one request.
const LONGEST: Duration = Duration::from_mins(10);
/// Most tokens of one answer.
const MOST_TOKENS: u32 = 1_000_000;
/// Most requests of one execution.
const MOST_REQUESTS: u32 = 100_000;
/// Most answers that a script may have, and the bytes of them all.
const MOST_ANSWERS: usize = 1_000;
const MOST_ANSWER_BYTES: usize = 1 << 20;
/// Longest name or address.
const LONGEST_TEXT: usize = 500;

/// Who answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Provider {
    /// A server that speaks as OpenAI's does: `POST {baseUrl}/chat/completions`.
    Openai,
    /// A server of Ollama: `POST {baseUrl}/api/chat`.
    Ollama,
    /// The assistant that started the execution, as long as it waits for it.
    Client,
    /// Nobody: the answers are written down beforehand.
    Scripted,
}

impl Provider {
    /// The word in configurations, events and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Openai => "openai",
            Self::Ollama => "ollama",
            Self::Client => "client",
            Self::Scripted => "scripted",
        }
    }

    /// Whether it is a server that must be named.
    const fn is_server(self) -> bool {
        matches!(self, Self::Openai | Self::Ollama)
    }
}

impl fmt::Display for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The AI model that the operations of a runtime may ask, where a grant lets them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ModelSource {
    /// Who answers.
    pub provider: Provider,
    /// Where the server is: `https://api.example.com/v1`. Of `openai` and `ollama`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_url: Option<String>,
    /// Which model of the server. Of `openai` and `ollama`; to `client` it is a hint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// The name of the secret that is the server's key; never the key itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api_key: Option<SecretName>,
    /// Longest time of one request. Default 1m; what the operation has left holds besides.
    #[serde(default = "usual_timeout")]
    pub timeout: DurationText,
    /// Most tokens of one answer, whatever the operation asks for. Default 4096.
    #[serde(default = "usual_tokens")]
    pub max_tokens: u32,
    /// Most requests of one execution. Default 100.
    #[serde(default = "usual_requests")]
    pub max_requests: u32,
    /// What it costs, so that events can say so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prices: Option<Prices>,
    /// What `scripted` answers: the first to the first request of an execution, and so on; the last to all that follow.
    #[serde(default, skip_serializing_if = "Answers::is_empty")]
    pub answers: Answers,
}

fn usual_timeout() -> DurationText {
    DurationText(Duration::from_mins(1))
}

const fn usual_tokens() -> u32 {
    4096
}

const fn usual_requests() -> u32 {
    100
}

/// Prices of a million tokens, in whatever currency the operator thinks in.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Prices {
    /// Of what is asked.
    pub input: f64,
    /// Of what is answered.
    pub output: f64,
}

impl Prices {
    /// What so many tokens cost.
    pub fn of(&self, input_tokens: u32, output_tokens: u32) -> f64 {
        (self.input * f64::from(input_tokens) + self.output * f64::from(output_tokens)) / 1e6
    }
}

/// The answers of a script.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Answers {
    /// These.
    Listed(Vec<ScriptedAnswer>),
    /// Those of a YAML file, from the configuration's folder. Whoever reads the configuration reads it.
    InFile(PathBuf),
}

impl Answers {
    fn is_empty(&self) -> bool {
        matches!(self, Self::Listed(answers) if answers.is_empty())
    }
}

impl Default for Answers {
    fn default() -> Self {
        Self::Listed(Vec::new())
    }
}

impl<'de> Deserialize<'de> for Answers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = Answers;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of answers, or the name of a file that has one")
            }
            fn visit_str<E: de::Error>(self, file: &str) -> Result<Answers, E> {
                Ok(Answers::InFile(PathBuf::from(file)))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Answers, A::Error> {
                Vec::deserialize(SeqAccessDeserializer::new(list)).map(Answers::Listed)
            }
        }
        deserializer.deserialize_any(Either)
    }
}

/// One answer of a script.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ScriptedAnswer {
    /// What the model says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<String>,
    /// Instead: why it cannot be had.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Tokens that the request counts for.
    #[serde(default)]
    pub input_tokens: u32,
    /// Tokens that the answer counts for.
    #[serde(default)]
    pub output_tokens: u32,
}

impl ScriptedAnswer {
    /// None, for this reason.
    pub fn failing(error: String) -> Self {
        Self { content: None, error: Some(error), input_tokens: 0, output_tokens: 0 }
    }
}

impl ModelSource {
    /// With bounds alone.
    pub fn of(provider: Provider) -> Self {
        Self {
            provider,
            base_url: None,
            model: None,
            api_key: None,
            timeout: usual_timeout(),
            max_tokens: usual_tokens(),
            max_requests: usual_requests(),
            prices: None,
            answers: Answers::default(),
        }
    }

    /// What is wrong with it, if anything: which field, and what to write there.
    pub fn check(&self) -> Result<(), String> {
        self.check_server()?;
        self.check_bounds()?;
        self.check_answers()
    }

    fn check_server(&self) -> Result<(), String> {
        let provider = self.provider;
        if provider.is_server() {
            let base = self.base_url.as_deref();
            let base =
                base.ok_or_else(|| format!("model.baseUrl: {provider} needs it: where is the server?"))?;
            let model = self.model.as_deref().filter(|model| !model.trim().is_empty());
            model.ok_or_else(|| format!("model.model: {provider} needs it: which of its models?"))?;
            check_address(base, self.api_key.is_some())?;
        } else if self.base_url.is_some() || self.api_key.is_some() {
            return Err(format!("model: {provider} asks no server: leave out baseUrl and apiKey"));
        }
        match self.model.as_ref().is_some_and(|model| model.len() > LONGEST_TEXT) {
            true => Err(format!("model.model: it is too long: {LONGEST_TEXT} bytes at most")),
            false => Ok(()),
        }
    }

    fn check_bounds(&self) -> Result<(), String> {
        let timeout = self.timeout.0;
        if timeout.is_zero() || timeout > LONGEST {
            let longest = DurationText(LONGEST);
            return Err(format!("model.timeout: {} is not between 1ms and {longest}", self.timeout));
        }
        for (field, value, most) in
            [("maxTokens", self.max_tokens, MOST_TOKENS), ("maxRequests", self.max_requests, MOST_REQUESTS)]
        {
            if value == 0 || value > most {
                return Err(format!("model.{field}: {value} is not between 1 and {most}"));
            }
        }
        let Some(Prices { input, output }) = self.prices else { return Ok(()) };
        match [input, output].iter().all(|price| price.is_finite() && (0.0..=1e9).contains(price)) {
            true => Ok(()),
            false => Err("model.prices: a price is a number from 0, for a million tokens".to_owned()),
        }
    }

    fn check_answers(&self) -> Result<(), String> {
        let Answers::Listed(answers) = &self.answers else {
            return Err("model.answers: only the configuration may name a file: list the answers".to_owned());
        };
        match (self.provider, answers.is_empty()) {
            (Provider::Scripted, true) => {
                return Err("model.answers: scripted needs at least one: [{ content: Hello. }]".to_owned());
            }
            (Provider::Scripted, false) | (_, true) => {}
            (provider, false) => {
                return Err(format!("model.answers: {provider} answers by itself: leave them out"));
            }
        }
        let bytes = |answer: &ScriptedAnswer| {
            answer.content.as_ref().map_or(0, String::len) + answer.error.as_ref().map_or(0, String::len)
        };
        if answers.len() > MOST_ANSWERS || answers.iter().map(bytes).sum::<usize>() > MOST_ANSWER_BYTES {
            return Err(format!(
                "model.answers: too many: {MOST_ANSWERS} at most, and {MOST_ANSWER_BYTES} bytes together"
            ));
        }
        match answers.iter().position(|answer| answer.content.is_some() == answer.error.is_some()) {
            Some(at) => Err(format!("model.answers[{at}]: write one of `content` and `error`, and not both")),
            None => Ok(()),
        }
    }
}

/// Whether an address is one that requests can be sent to, and a key only where nobody reads along.
fn check_address(base: &str, has_key: bool) -> Result<(), String> {
    let wrong = |why: &str| Err(format!("model.baseUrl: {base:.100?} {why}"));
    let (secured, rest) = match (base.strip_prefix("https://"), base.strip_prefix("http://")) {
        (Some(rest), _) => (true, rest),
        (_, Some(rest)) => (false, rest),
        _ => return wrong("is no address: write https://host/path"),
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.is_empty()
        || base.len() > LONGEST_TEXT
        || base.contains(|c: char| c.is_control() || c == ' ')
    {
        return wrong("is no address: write https://host/path");
    }
    if authority.contains('@') {
        return wrong("has a name or password in it: keep the key as a secret, and name that in apiKey");
    }
    if base.contains(['?', '#']) {
        return wrong("has more than host and path: leave out what is behind `?` or `#`");
    }
    if has_key && !secured && !is_loopback(authority) {
        return wrong("is plain text: a key is sent over https, or to this machine alone");
    }
    Ok(())
}

fn is_loopback(authority: &str) -> bool {
    let host = match authority.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// What an execution has asked of AI models, all together.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct ModelTotals {
    /// Requests, those that failed among them.
    pub requests: u32,
    /// Tokens that were asked with.
    pub input_tokens: u64,
    /// Tokens that were answered.
    pub output_tokens: u64,
    /// What is known of the cost; absent when nothing is.
    pub cost: Option<f64>,
}

impl ModelTotals {
    /// Counts one more request.
    pub fn add(&mut self, input_tokens: u32, output_tokens: u32, cost: Option<f64>) {
        self.requests = self.requests.saturating_add(1);
        self.input_tokens = self.input_tokens.saturating_add(input_tokens.into());
        self.output_tokens = self.output_tokens.saturating_add(output_tokens.into());
        if let Some(cost) = cost {
            self.cost = Some(self.cost.unwrap_or_default() + cost);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn read(source: Value) -> Result<ModelSource, String> {
        let source: ModelSource = serde_json::from_value(source).map_err(|error| error.to_string())?;
        source.check().map(|()| source)
    }

    #[test]
    fn what_is_left_out_is_bounded() {
        let source = json!({ "provider": "openai", "baseUrl": "https://api.example.com/v1", "model": "m" });
        let source = read(source).unwrap();
        assert_eq!(source.timeout.0, Duration::from_mins(1));
        assert_eq!((source.max_tokens, source.max_requests), (4096, 100));
        let written = serde_json::to_value(&source).unwrap();
        assert_eq!(serde_json::from_value::<ModelSource>(written).unwrap(), source);
    }

    #[test]
    fn what_cannot_work_is_told_with_the_field_and_what_to_write() {
        let openai = |more: Value| {
            let mut all = json!({ "provider": "openai", "baseUrl": "https://a.example", "model": "m" });
            all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            all
        };
        for (source, field) in [
            (json!({ "provider": "openai", "model": "m" }), "model.baseUrl"),
            (json!({ "provider": "ollama", "baseUrl": "http://localhost:11434" }), "model.model"),
            (json!({ "provider": "client", "apiKey": "KEY" }), "asks no server"),
            (json!({ "provider": "scripted" }), "model.answers"),
            (json!({ "provider": "scripted", "answers": "answers.yaml" }), "name a file"),
            (json!({ "provider": "scripted", "answers": [{}] }), "model.answers[0]"),
            (json!({ "provider": "guess" }), "unknown variant"),
            (openai(json!({ "baseUrl": "ftp://a" })), "is no address"),
            (openai(json!({ "baseUrl": "https://me:pw@a.example" })), "password"),
            (openai(json!({ "baseUrl": "https://a.example?key=1" })), "behind `?`"),
            (openai(json!({ "baseUrl": "http://a.example", "apiKey": "KEY" })), "plain text"),
            (openai(json!({ "timeout": "0s" })), "model.timeout"),
            (openai(json!({ "timeout": "1d" })), "model.timeout"),
            (openai(json!({ "maxTokens": 0 })), "model.maxTokens"),
            (openai(json!({ "maxRequests": 1_000_000 })), "model.maxRequests"),
            (openai(json!({ "prices": { "input": -1.0, "output": 0.0 } })), "model.prices"),
            (openai(json!({ "answers": [{ "content": "x" }] })), "answers by itself"),
            (openai(json!({ "temperature": 1 })), "unknown field"),
        ] {
            let told = read(source.clone()).unwrap_err();
            assert!(told.contains(field), "{source}: {told}");
        }
    }

    #[test]
    fn a_key_goes_to_this_machine_in_plain_text_too() {
        for base in
            ["http://localhost:1234/v1", "http://127.0.0.1", "http://[::1]:80/v1", "https://a.example"]
        {
            read(json!({ "provider": "openai", "baseUrl": base, "model": "m", "apiKey": "KEY" })).unwrap();
        }
    }

    #[test]
    fn a_million_tokens_cost_their_price() {
        let prices = Prices { input: 2.0, output: 8.0 };
        assert!((prices.of(1_000_000, 500_000) - 6.0).abs() < 1e-9);
        let mut totals = ModelTotals::default();
        totals.add(10, 5, None);
        assert_eq!(totals.cost, None);
        totals.add(10, 5, Some(0.5));
        assert_eq!(totals, ModelTotals { requests: 2, input_tokens: 20, output_tokens: 10, cost: Some(0.5) });
    }
}

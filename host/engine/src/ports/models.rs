//! Asking AI models.
//!
//! Whoever keeps these promises only carries a request to somebody and the answer back. Who may ask, how often, and what
//! is written down of it is [`crate::sampling`]'s.

use std::fmt;
use std::time::Duration;

use orgata_model::duration::DurationText;
use orgata_model::sampling::ModelSource;
use secrecy::SecretString;
use serde_json::Value;

/// The providers of AI models that are servers, and the one that is a script.
#[async_trait::async_trait]
pub trait Models: fmt::Debug + Send + Sync + 'static {
    /// Asks the model of `source`. Bounded in what it reads; how long it takes is the caller's to bound, and dropping the
    /// future ends the request. `key` is sent to the source's own server alone, and is in no error.
    async fn sample(
        &self,
        source: &ModelSource,
        key: Option<&SecretString>,
        request: &ModelRequest,
    ) -> Result<ModelAnswer, ModelError>;
}

/// An assistant that lends its own model to an execution that it started and waits for.
#[async_trait::async_trait]
pub trait ModelClient: Send + Sync {
    /// Asks it. Dropping the future means that nobody waits for the answer any more.
    async fn sample(&self, source: &ModelSource, request: &ModelRequest) -> Result<ModelAnswer, ModelError>;
}

/// What a model is asked.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelRequest {
    /// What was said so far, in order.
    pub messages: Vec<ModelMessage>,
    /// At most so many tokens in the answer.
    pub max_tokens: u32,
    /// JSON Schema that the answer must satisfy.
    pub response_schema: Option<Value>,
    /// How many the execution has made before.
    pub number: u32,
}

/// Something that was said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelMessage {
    /// By whom.
    pub role: Speaker,
    /// What.
    pub content: String,
}

/// Who says something to a model, or for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Speaker {
    /// Whoever gave it its task.
    System,
    /// Whoever asks.
    User,
    /// The model itself.
    Assistant,
}

impl Speaker {
    /// The word that all protocols have for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::User => "user",
            Self::Assistant => "assistant",
        }
    }
}

impl std::str::FromStr for Speaker {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "system" => Ok(Self::System),
            "user" => Ok(Self::User),
            "assistant" => Ok(Self::Assistant),
            other => Err(format!("{other:.40?} is nobody: write system, user or assistant")),
        }
    }
}

/// What a model answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelAnswer {
    /// What it said.
    pub content: String,
    /// Which one it was.
    pub model: String,
    /// Tokens that were asked with, as the provider counts; 0 when it does not.
    pub input_tokens: u32,
    /// Tokens that were answered.
    pub output_tokens: u32,
}

/// Why a model that was asked gave no answer. No text has anything of the request in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ModelError {
    /// No connection.
    #[error("the model's server cannot be reached: {0}")]
    Unreachable(String),
    /// No answer in time.
    #[error("the model did not answer within {}", DurationText(*.0))]
    TimedOut(Duration),
    /// Too many requests, as the server thinks.
    #[error("the model's server takes no more requests now{}", wait(.0))]
    RateLimited(Option<Duration>),
    /// The server is in trouble: it may answer later.
    #[error("the model's server has trouble (status {0}): it may work later")]
    Unavailable(u16),
    /// The server does not take the key.
    #[error("the model's server does not let this host in (status {0}): the operator checks model.apiKey")]
    NotAllowed(u16),
    /// The server does not take the request.
    #[error("the model's server refuses the request (status {status}){why}")]
    Refused {
        /// As HTTP says it.
        status: u16,
        /// In the server's words, if it has any; with a colon before them.
        why: String,
    },
    /// The answer is larger than may be.
    #[error("the model's answer is larger than {0} bytes")]
    TooLarge(usize),
    /// The answer is none, or does not satisfy the schema.
    #[error("the model's answer is not usable: {0}")]
    Unfit(String),
    /// There is no assistant that could be asked.
    #[error("no client can be asked: {0}")]
    NoClient(String),
    /// The assistant, or the person before it, did not want to.
    #[error("the client did not answer: {0}")]
    Declined(String),
    /// The script says that there is no answer.
    #[error("{0}")]
    Scripted(String),
    /// The operation ended before the answer came.
    #[error("nobody waited for the answer")]
    Abandoned,
}

impl ModelError {
    /// A stable word for programs.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Unreachable(_) => "unreachable",
            Self::TimedOut(_) => "timed_out",
            Self::RateLimited(_) => "rate_limited",
            Self::Unavailable(_) => "unavailable",
            Self::NotAllowed(_) => "not_allowed",
            Self::Refused { .. } => "refused",
            Self::TooLarge(_) => "too_large",
            Self::Unfit(_) => "unfit",
            Self::NoClient(_) => "no_client",
            Self::Declined(_) => "declined",
            Self::Scripted(_) => "scripted",
            Self::Abandoned => "abandoned",
        }
    }
}

fn wait(after: &Option<Duration>) -> String {
    after.map_or_else(String::new, |after| format!(": it says to wait for {}", DurationText(after)))
}

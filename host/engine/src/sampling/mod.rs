//! Operations that ask AI models: how often, how much, and what is known of it afterwards.
//!
//! One [`Sampling`] for the executions at work whose runtime configures a model. It bounds each request and their number,
//! opens the server's key, asks, checks the answer against the schema that was asked for, and tells the driver, which
//! records it. What was said is kept nowhere.
//!
//! Not here: whether the plugin may (the sandbox asks its grants), how servers are spoken to (`gateway`).

mod lent;
mod request;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use orgata_model::execution::Fact;
use orgata_model::sampling::{ModelSource, Provider};
use orgata_model::schema::Schema;
use orgata_model::{ExecutionId, SecretName, StepPath};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::mpsc;

use crate::ports::{Clock, ModelAnswer, ModelError, ModelMessage, ModelRequest, Models};
use crate::secrets::{Unsealed, Vault};

pub(crate) use lent::Lent;
pub use request::{MOST_BYTES, MOST_MESSAGES};

/// Largest answer, in bytes.
pub const ANSWER_BYTES: usize = 1 << 20;

/// What an operation wants to know of a model.
#[derive(Debug, Clone, PartialEq)]
pub struct Ask {
    /// What was said so far, in order.
    pub messages: Vec<ModelMessage>,
    /// At most so many tokens in the answer; the runtime's own bound holds besides.
    pub max_tokens: Option<u32>,
    /// JSON Schema that the answer must satisfy, as text.
    pub response_schema: Option<String>,
}

/// Why an operation gets no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoAnswer {
    /// The request is none that could be made. Nobody was asked.
    #[error("the request cannot be made: {0}")]
    Request(String),
    /// The execution has asked as often as it may. Nobody was asked.
    #[error("this execution has asked {0} times, as often as model.maxRequests lets it")]
    Spent(u32),
    /// The key cannot be had. Nobody was asked.
    #[error("the key of the model's server cannot be had: {0}")]
    Key(String),
    /// This host speaks with no models.
    #[error("this host can ask no AI model")]
    NoModels,
    /// A model was asked.
    #[error(transparent)]
    Asked(#[from] ModelError),
}

/// The AI model of one execution.
pub struct Sampling {
    source: ModelSource,
    models: Option<Arc<dyn Models>>,
    vault: Arc<Vault>,
    clock: Arc<dyn Clock>,
    lent: Arc<Lent>,
    execution: ExecutionId,
    /// Requests that were made, before this was opened too.
    made: AtomicU32,
    /// Whoever records them. Nobody does for what is tried out.
    told: Option<mpsc::UnboundedSender<Fact>>,
}

impl fmt::Debug for Sampling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sampling")
            .field("source", &self.source)
            .field("made", &self.made)
            .finish_non_exhaustive()
    }
}

/// What asking needs of a host.
pub(crate) struct Means<'h> {
    pub(crate) models: Option<&'h Arc<dyn Models>>,
    pub(crate) vault: &'h Arc<Vault>,
    pub(crate) clock: &'h Arc<dyn Clock>,
    pub(crate) lent: &'h Arc<Lent>,
}

impl Sampling {
    /// For an execution that has made so many requests.
    pub(crate) fn new(
        source: ModelSource,
        means: &Means<'_>,
        execution: ExecutionId,
        made: u32,
        told: Option<mpsc::UnboundedSender<Fact>>,
    ) -> Self {
        Self {
            source,
            models: means.models.map(Arc::clone),
            vault: Arc::clone(means.vault),
            clock: Arc::clone(means.clock),
            lent: Arc::clone(means.lent),
            execution,
            made: AtomicU32::new(made),
            told,
        }
    }

    /// Asks for a step, which has so much time left.
    pub async fn sample(&self, step: &StepPath, ask: Ask, left: Duration) -> Result<ModelAnswer, NoAnswer> {
        let (mut request, schema) =
            request::checked(ask, self.source.max_tokens).map_err(NoAnswer::Request)?;
        let key = self.key()?;
        request.number = self.counted()?;
        let mut asked = Asked { sampling: self, step, began: self.clock.now(), over: false };
        let timeout = left.min(self.source.timeout.0);
        let answer = match tokio::time::timeout(timeout, self.ask(key.as_ref(), &request)).await {
            Ok(answer) => answer?,
            Err(_) => Err(ModelError::TimedOut(timeout)),
        };
        let answer = answer.map(|answer| without(answer, self.source.api_key.as_ref(), key.as_ref()));
        let checked = match &answer {
            Ok(answer) => fits(answer, schema.as_ref()),
            Err(error) => Err(error.clone()),
        };
        asked.ended(answer.as_ref().ok(), checked.as_ref().err());
        checked?;
        Ok(answer?)
    }

    async fn ask(
        &self,
        key: Option<&SecretString>,
        request: &ModelRequest,
    ) -> Result<Result<ModelAnswer, ModelError>, NoAnswer> {
        if self.source.provider == Provider::Client {
            return Ok(match self.lent.to(self.execution) {
                Some(client) => client.sample(&self.source, request).await,
                None => Err(ModelError::NoClient(
                    "none that can lend its model waits for this execution: start it with the MCP tool \
                     execute_playbook and `wait`, by a client that declares sampling"
                        .to_owned(),
                )),
            });
        }
        let models = self.models.as_ref().ok_or(NoAnswer::NoModels)?;
        Ok(models.sample(&self.source, key, request).await)
    }

    fn key(&self) -> Result<Option<SecretString>, NoAnswer> {
        let Some(name) = &self.source.api_key else { return Ok(None) };
        match self.vault.reveal(name) {
            Ok(Some(key)) => Ok(Some(key)),
            Ok(None) => Err(NoAnswer::Key(format!(
                "the secret {name} is not set: the operator sets it with `orgata secret set {name}`"
            ))),
            Err(error @ (Unsealed::NoKey | Unsealed::Broken | Unsealed::Machine)) => {
                Err(NoAnswer::Key(format!("the secret {name} cannot be opened: {error}")))
            }
        }
    }

    /// Counts a request, and tells how many were before.
    fn counted(&self) -> Result<u32, NoAnswer> {
        let most = self.source.max_requests;
        let one_more = |made: u32| (made < most).then(|| made + 1);
        let counted = self.made.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more);
        counted.map_err(|_| NoAnswer::Spent(most))
    }
}

/// Whether an answer is one that the operation can have.
fn fits(answer: &ModelAnswer, schema: Option<&Schema>) -> Result<(), ModelError> {
    if answer.content.len() > ANSWER_BYTES {
        return Err(ModelError::TooLarge(ANSWER_BYTES));
    }
    let Some(schema) = schema else { return Ok(()) };
    let value = serde_json::from_str(&answer.content)
        .map_err(|error| ModelError::Unfit(format!("it should be JSON, and is not: {error}")))?;
    schema.check(&value).map_err(|violations| {
        let first = violations.first().map(|one| one.pointer.as_str()).unwrap_or_default();
        let place = if first.is_empty() { "as a whole".to_owned() } else { format!("at {first:.100}") };
        ModelError::Unfit(format!("it does not satisfy the response schema {place}"))
    })
}

/// A server that knows the key must not tell it to the guest.
fn without(mut answer: ModelAnswer, name: Option<&SecretName>, key: Option<&SecretString>) -> ModelAnswer {
    let (Some(name), Some(key)) = (name, key) else { return answer };
    let instead = format!("[secret {name}]");
    for text in [&mut answer.content, &mut answer.model] {
        if !key.expose_secret().is_empty() && text.contains(key.expose_secret()) {
            *text = text.replace(key.expose_secret(), &instead);
        }
    }
    answer
}

/// A request on its way. However it ends, it is told: a guest may be stopped while it waits.
struct Asked<'s> {
    sampling: &'s Sampling,
    step: &'s StepPath,
    began: Timestamp,
    over: bool,
}

impl Asked<'_> {
    fn ended(&mut self, answer: Option<&ModelAnswer>, error: Option<&ModelError>) {
        self.over = true;
        let source = &self.sampling.source;
        let (input, output) = answer.map_or((0, 0), |answer| (answer.input_tokens, answer.output_tokens));
        let (provider, outcome) = (source.provider.as_str(), error.map_or("answered", ModelError::word));
        metrics::counter!("orgata_model_requests_total", "provider" => provider, "outcome" => outcome)
            .increment(1);
        for (kind, tokens) in [("input", input), ("output", output)] {
            metrics::counter!("orgata_model_tokens_total", "provider" => provider, "kind" => kind)
                .increment(tokens.into());
        }
        let took = self.sampling.clock.now().duration_since(self.began).unsigned_abs();
        let fact = Fact::ModelAsked {
            step: self.step.clone(),
            provider: source.provider,
            model: answer.map(|answer| named(&answer.model)).or_else(|| source.model.clone()),
            input_tokens: input,
            output_tokens: output,
            cost: source.prices.filter(|_| answer.is_some()).map(|prices| prices.of(input, output)),
            took_ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
            failure: error.map(|error| error.word().to_owned()),
        };
        if let Some(told) = &self.sampling.told {
            // An execution that has left needs no history of it.
            let _ = told.send(fact);
        }
    }
}

impl Drop for Asked<'_> {
    fn drop(&mut self) {
        if !self.over {
            self.ended(None, Some(&ModelError::Abandoned));
        }
    }
}

/// A model's name as it may stand in a history: providers send any text.
fn named(model: &str) -> String {
    orgata_model::text::escaped(orgata_model::text::cut(model, 100))
}

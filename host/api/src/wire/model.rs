//! The AI model of a runtime, as clients see it.

use orgata_model::SecretName;
use orgata_model::duration::DurationText;
use orgata_model::sampling::{Answers, ModelSource, ModelTotals, Prices, Provider, ScriptedAnswer};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The AI model that the operations of a runtime may ask, where a grant lets them.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({
    "provider": "openai", "baseUrl": "https://api.example.com/v1", "model": "small-1", "apiKey": "MODEL_KEY"
}))]
pub struct ModelBody {
    /// Who answers: a server that speaks as OpenAI's or Ollama's does, the MCP client that waits for the execution, or a script.
    #[schema(value_type = ProviderView)]
    pub provider: Provider,
    /// Where the server is. Of `openai` and `ollama`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "https://api.example.com/v1")]
    pub base_url: Option<String>,
    /// Which model of the server; to `client` it is a hint.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// The name of the secret that is the server's key. Whoever names one must be allowed to set it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub api_key: Option<SecretName>,
    /// Longest time of one request, `10m` at most. `1m` when absent.
    #[schema(value_type = Option<String>, example = "1m")]
    pub timeout: Option<DurationText>,
    /// Most tokens of one answer. 4096 when absent.
    pub max_tokens: Option<u32>,
    /// Most requests of one execution. 100 when absent.
    pub max_requests: Option<u32>,
    /// What it costs, so that events can say so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prices: Option<PricesBody>,
    /// What `scripted` answers, in order; the last to all that follow.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub answers: Vec<ScriptedAnswerBody>,
}

/// Prices of a million tokens.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PricesBody {
    /// Of what is asked.
    pub input: f64,
    /// Of what is answered.
    pub output: f64,
}

/// One answer of a script: either `content` or `error`.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ScriptedAnswerBody {
    /// What the model says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content: Option<String>,
    /// Why it cannot be had.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Tokens that the request counts for.
    #[serde(default)]
    pub input_tokens: u32,
    /// Tokens that the answer counts for.
    #[serde(default)]
    pub output_tokens: u32,
}

impl From<ModelBody> for ModelSource {
    fn from(body: ModelBody) -> Self {
        let usual = Self::of(body.provider);
        Self {
            base_url: body.base_url,
            model: body.model,
            api_key: body.api_key,
            timeout: body.timeout.unwrap_or(usual.timeout),
            max_tokens: body.max_tokens.unwrap_or(usual.max_tokens),
            max_requests: body.max_requests.unwrap_or(usual.max_requests),
            prices: body.prices.map(|PricesBody { input, output }| Prices { input, output }),
            answers: Answers::Listed(body.answers.into_iter().map(ScriptedAnswer::from).collect()),
            ..usual
        }
    }
}

impl From<ModelSource> for ModelBody {
    fn from(source: ModelSource) -> Self {
        let answers = match source.answers {
            Answers::Listed(answers) => answers,
            Answers::InFile(_) => Vec::new(),
        };
        Self {
            provider: source.provider,
            base_url: source.base_url,
            model: source.model,
            api_key: source.api_key,
            timeout: Some(source.timeout),
            max_tokens: Some(source.max_tokens),
            max_requests: Some(source.max_requests),
            prices: source.prices.map(|Prices { input, output }| PricesBody { input, output }),
            answers: answers.into_iter().map(ScriptedAnswerBody::from).collect(),
        }
    }
}

impl From<ScriptedAnswerBody> for ScriptedAnswer {
    fn from(body: ScriptedAnswerBody) -> Self {
        let ScriptedAnswerBody { content, error, input_tokens, output_tokens } = body;
        Self { content, error, input_tokens, output_tokens }
    }
}

impl From<ScriptedAnswer> for ScriptedAnswerBody {
    fn from(answer: ScriptedAnswer) -> Self {
        let ScriptedAnswer { content, error, input_tokens, output_tokens } = answer;
        Self { content, error, input_tokens, output_tokens }
    }
}

/// What an execution has asked of AI models, all together.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ModelTotalsView {
    /// Requests, those that failed among them.
    pub requests: u32,
    /// Tokens that were asked with, as the providers count.
    pub input_tokens: u64,
    /// Tokens that were answered.
    pub output_tokens: u64,
    /// What is known of the cost, in the currency of the runtime's prices.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost: Option<f64>,
}

impl ModelTotalsView {
    /// Of an execution that asked at all.
    pub fn of(totals: &ModelTotals) -> Option<Self> {
        let ModelTotals { requests, input_tokens, output_tokens, cost } = *totals;
        (requests > 0).then_some(Self { requests, input_tokens, output_tokens, cost })
    }
}

// Only its schema is used: the model's `Provider` knows nothing of OpenAPI.
/// Who answers for an AI model.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "snake_case")]
#[allow(dead_code, reason = "only its schema is used")]
pub enum ProviderView {
    /// A server that speaks as OpenAI's does.
    Openai,
    /// A server of Ollama.
    Ollama,
    /// The MCP client that waits for the execution.
    Client,
    /// A script.
    Scripted,
}

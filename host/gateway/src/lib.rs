//! Others whom the host asks on behalf of operations: the providers of AI models.
//!
//! [`Gateway`] keeps the engine's [`Models`] promise: one file for each provider, and one way over HTTP (`http`): no
//! redirects, bounded answers, only servers that prove their name. How long a request takes, who may make it and what is
//! written down of it is the engine's.
//!
//! Invariant: no error has anything in it of what was asked, or of the key.
//! Not here: the model of an MCP client (`api::mcp`).

mod http;
mod ollama;
mod openai;
mod scripted;

use std::path::Path;

use orgata_engine::ports::{ModelAnswer, ModelError, ModelRequest, Models};
use orgata_model::sampling::{ModelSource, Provider};
use secrecy::SecretString;

use http::Http;
pub use http::RootsError;

/// The providers that are servers, and the one that is a script.
#[derive(Debug)]
pub struct Gateway {
    http: Http,
}

impl Gateway {
    /// Servers are believed that browsers would believe, and those whose certificates come from an authority in `roots`,
    /// a PEM file.
    pub fn open(roots: Option<&Path>) -> Result<Self, RootsError> {
        Ok(Self { http: Http::open(roots)? })
    }
}

#[async_trait::async_trait]
impl Models for Gateway {
    async fn sample(
        &self,
        source: &ModelSource,
        key: Option<&SecretString>,
        request: &ModelRequest,
    ) -> Result<ModelAnswer, ModelError> {
        match source.provider {
            Provider::Openai => openai::sample(&self.http, source, key, request).await,
            Provider::Ollama => ollama::sample(&self.http, source, key, request).await,
            Provider::Scripted => scripted::sample(source, request),
            Provider::Client => Err(ModelError::NoClient("this way leads to servers alone".to_owned())),
        }
    }
}

/// Where a path of the source's server is.
fn address(source: &ModelSource, path: &str) -> String {
    let base = source.base_url.as_deref().unwrap_or_default();
    format!("{}/{path}", base.trim_end_matches('/'))
}

/// What was said so far, as both protocols write it.
fn messages(request: &ModelRequest) -> Vec<serde_json::Value> {
    let message = |message: &orgata_engine::ports::ModelMessage| serde_json::json!({ "role": message.role.as_str(), "content": message.content });
    request.messages.iter().map(message).collect()
}

/// An answer in another shape than the provider's protocol says.
fn misshapen(error: &serde_json::Error) -> ModelError {
    // Where it is wrong, and not what is there.
    ModelError::Unfit(format!(
        "it has not the shape that the provider's protocol says (line {}, column {}): is baseUrl that of such a server?",
        error.line(),
        error.column()
    ))
}

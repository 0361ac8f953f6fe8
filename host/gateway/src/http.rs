//! One request to a model's server, and its answer.
//!
//! No redirect is followed: it could lead a key elsewhere. No more is read than an answer may have. Of what a server says
//! when it refuses, only its code is passed on: its sentences may have anything of the request in them.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use orgata_engine::ports::ModelError;
use orgata_engine::sampling::ANSWER_BYTES;
use reqwest::header::RETRY_AFTER;
use reqwest::redirect::Policy;
use reqwest::{Client, Response, StatusCode};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use secrecy::{ExposeSecret as _, SecretString};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::misshapen;

/// Longest time to get a connection.
const CONNECT: Duration = Duration::from_secs(10);
/// Most bytes of an answer: what is said may double when it is written as JSON.
const BODY_BYTES: usize = 2 * ANSWER_BYTES + (64 << 10);
/// Most bytes that are read of a refusal.
const REFUSAL_BYTES: usize = 16 << 10;
/// Longest code of a refusal.
const CODE_BYTES: usize = 60;

/// Why a file of certificates cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{file} {reason}", file = .file.display())]
pub struct RootsError {
    file: PathBuf,
    reason: String,
}

/// A client that is made at its first use: most hosts ask no model.
#[derive(Debug)]
pub(crate) struct Http {
    roots: Vec<CertificateDer<'static>>,
    client: OnceLock<Client>,
}

impl Http {
    pub(crate) fn open(roots: Option<&Path>) -> Result<Self, RootsError> {
        let Some(file) = roots else { return Ok(Self { roots: Vec::new(), client: OnceLock::new() }) };
        let unusable = |reason: String| RootsError { file: file.to_owned(), reason };
        let text = std::fs::read(file).map_err(|error| unusable(format!("cannot be read: {error}")))?;
        let roots: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
        let roots = roots.map_err(|error| unusable(format!("is not valid PEM: {error}")))?;
        Ok(Self { roots, client: OnceLock::new() })
    }

    /// Sends `body`, and reads what comes.
    pub(crate) async fn post<T: DeserializeOwned>(
        &self,
        url: &str,
        key: Option<&SecretString>,
        body: &Value,
    ) -> Result<T, ModelError> {
        let answer = self.sent(url, key, body).await?;
        serde_json::from_slice(&answer).map_err(|error| misshapen(&error))
    }

    async fn sent(&self, url: &str, key: Option<&SecretString>, body: &Value) -> Result<Vec<u8>, ModelError> {
        let mut request = self.client()?.post(url).json(body);
        if let Some(key) = key {
            request = request.bearer_auth(key.expose_secret());
        }
        let response = request.send().await.map_err(|error| unreachable(&error))?;
        let status = response.status();
        if status.is_success() {
            return read(response, BODY_BYTES).await;
        }
        Err(refusal(status, response).await)
    }

    fn client(&self) -> Result<&Client, ModelError> {
        if let Some(client) = self.client.get() {
            return Ok(client);
        }
        let client = self.build().map_err(|why| ModelError::Unreachable(format!("no HTTP client: {why}")))?;
        Ok(self.client.get_or_init(|| client))
    }

    fn build(&self) -> Result<Client, String> {
        let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        roots.add_parsable_certificates(self.roots.iter().cloned());
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let client = Client::builder()
            .tls_backend_preconfigured(tls)
            .redirect(Policy::none())
            .connect_timeout(CONNECT)
            // As guests' own requests do: nobody in between, whatever proxy the machine names.
            .no_proxy()
            .user_agent(concat!("orgata/", env!("CARGO_PKG_VERSION")))
            .tcp_nodelay(true);
        client.build().map_err(|error| error.to_string())
    }
}

/// The whole body, if it is no longer than may be.
async fn read(mut response: Response, most: usize) -> Result<Vec<u8>, ModelError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| unreachable(&error))? {
        if body.len() + chunk.len() > most {
            return Err(ModelError::TooLarge(most));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// What a status means for whoever asked.
async fn refusal(status: StatusCode, response: Response) -> ModelError {
    let number = status.as_u16();
    match number {
        401 | 403 => ModelError::NotAllowed(number),
        429 => ModelError::RateLimited(retry_after(&response)),
        408 | 500..=599 => ModelError::Unavailable(number),
        300..=399 => {
            ModelError::Refused { status: number, why: ": it leads elsewhere, and nobody follows".to_owned() }
        }
        404 => ModelError::Refused {
            status: number,
            why: ": is baseUrl right, and has it that model?".to_owned(),
        },
        _ => {
            let code = match read(response, REFUSAL_BYTES).await {
                Ok(body) => code(&body),
                Err(_) => None,
            };
            ModelError::Refused {
                status: number,
                why: code.map_or_else(String::new, |code| format!(": {code}")),
            }
        }
    }
}

/// The seconds that a server wants others to wait.
fn retry_after(response: &Response) -> Option<Duration> {
    let seconds: u32 = response.headers().get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds.into()))
}

/// The code of an error as OpenAI writes it, when it is a plain word.
fn code(body: &[u8]) -> Option<String> {
    let body: Value = serde_json::from_slice(body).ok()?;
    let error = body.get("error")?;
    let word =
        error.get("code").and_then(Value::as_str).or_else(|| error.get("type").and_then(Value::as_str))?;
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '-' | '.');
    (!word.is_empty() && word.len() <= CODE_BYTES && word.chars().all(plain)).then(|| word.to_owned())
}

/// Why no whole answer came, down to its cause. The address is the operator's, and known to them.
fn unreachable(error: &reqwest::Error) -> ModelError {
    let mut cause: &dyn Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    let what = match (error.is_connect(), error.is_timeout()) {
        (_, true) => "it did not take the connection in time".to_owned(),
        (true, _) => cause.to_string(),
        _ => format!("the connection broke: {cause}"),
    };
    ModelError::Unreachable(what)
}

//! Talking to a running host, over the same REST interface that frontends use.

mod runtimes;
mod trust;

use std::time::Duration;

use anyhow::Context as _;
use futures_util::StreamExt as _;
use reqwest::header::{AUTHORIZATION, HeaderValue};
use reqwest::{Method, RequestBuilder, Response};
use serde_json::Value;

use crate::cli::Global;
use crate::config::Config;
use crate::exit::{Exit, HOST, USAGE};
use crate::local_host;
use crate::wire::Parts as _;

/// Finding out whether a host answers takes no longer.
const PROBE: Duration = Duration::from_secs(2);

/// A host that can be asked.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    base: String,
    http: reqwest::Client,
    /// What proves who asks, as the header that says it.
    bearer: Option<HeaderValue>,
}

impl Client {
    /// A client of the host at this address, with the key that it brings.
    pub(crate) fn new(global: &Global, url: &str, key: Option<&str>) -> anyhow::Result<Self> {
        let base = reqwest::Url::parse(url).ok().filter(reqwest::Url::has_host);
        let Some(scheme) =
            base.as_ref().map(reqwest::Url::scheme).filter(|scheme| ["http", "https"].contains(scheme))
        else {
            return Err(Exit::new(
                USAGE,
                format!("{url} is no address of a host: write it like http://127.0.0.1:7420"),
            )
            .into());
        };
        let http = trust::client(global, scheme == "https")?;
        let bearer = key.map(bearer).transpose()?;
        Ok(Self { base: url.trim_end_matches('/').to_owned(), http, bearer })
    }

    /// The host that the command line means: `--server`, or the one that runs on the data folder.
    pub(crate) async fn find(global: &Global) -> anyhow::Result<Self> {
        if let Some(url) = &global.server {
            return Self::new(global, url, global.key.as_deref());
        }
        let config = Config::read(global)?;
        Self::running(global, &config).await?.ok_or_else(|| {
            let data = config.data.display();
            anyhow::Error::new(Exit::new(
                HOST,
                format!(
                    "no host runs on {data}: start one with `orgata serve`, or name one with --server URL"
                ),
            ))
        })
    }

    /// The host that runs on the data folder of this configuration, if one answers.
    pub(crate) async fn running(global: &Global, config: &Config) -> anyhow::Result<Option<Self>> {
        let Some(url) = local_host::announced(&config.data) else { return Ok(None) };
        let client = Self::new(global, &url, global.key.as_deref())?;
        match client.http.get(format!("{}/health", client.base)).timeout(PROBE).send().await {
            Ok(response) => Ok(response.status().is_success().then_some(client)),
            // Somebody is there: a second host on the same folder is not what is meant.
            Err(error) if trust::is_about_trust(&error) => {
                Err(anyhow::Error::new(error).context(client.is_not_trusted()))
            }
            Err(_) => Ok(None),
        }
    }

    /// GET of a path below `/api/v1`.
    pub(crate) async fn get(&self, path: &str) -> anyhow::Result<Value> {
        json(self.send(self.request(Method::GET, path)).await?).await
    }

    /// The same with query parameters.
    pub(crate) async fn get_with(&self, path: &str, query: &[(&str, String)]) -> anyhow::Result<Value> {
        json(self.send(self.request(Method::GET, path).query(query)).await?).await
    }

    /// POST of a JSON body.
    pub(crate) async fn post(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        json(self.send(self.request(Method::POST, path).json(body)).await?).await
    }

    /// The same with query parameters.
    pub(crate) async fn post_with(
        &self,
        path: &str,
        query: &[(&str, String)],
        body: &Value,
    ) -> anyhow::Result<Value> {
        json(self.send(self.request(Method::POST, path).query(query).json(body)).await?).await
    }

    /// DELETE.
    pub(crate) async fn delete(&self, path: &str) -> anyhow::Result<()> {
        self.send(self.request(Method::DELETE, path)).await.map(drop)
    }

    /// GET of whatever is there, bit by bit.
    pub(crate) async fn get_bytes(
        &self,
        path: &str,
    ) -> anyhow::Result<impl futures_util::Stream<Item = anyhow::Result<bytes::Bytes>> + Unpin + use<>> {
        self.get_bytes_with(path, &[]).await
    }

    /// The same with query parameters.
    pub(crate) async fn get_bytes_with(
        &self,
        path: &str,
        query: &[(&str, String)],
    ) -> anyhow::Result<impl futures_util::Stream<Item = anyhow::Result<bytes::Bytes>> + Unpin + use<>> {
        let response = self.send(self.request(Method::GET, path).query(query)).await?;
        let pieces = response.bytes_stream();
        Ok(Box::pin(pieces.map(|piece| piece.context("the host's reply broke off"))))
    }

    /// POST or PUT of bytes.
    pub(crate) async fn send_bytes(
        &self,
        method: Method,
        path: &str,
        media_type: &str,
        bytes: Vec<u8>,
    ) -> anyhow::Result<Value> {
        let request = self.request(method, path).header("content-type", media_type).body(bytes);
        json(self.send(request).await?).await
    }

    /// POST of a document that the host looks at: what it says is wrong with it, if anything is.
    pub(crate) async fn check(
        &self,
        path: &str,
        media_type: &str,
        bytes: Vec<u8>,
    ) -> anyhow::Result<Option<Value>> {
        let request = self.request(Method::POST, path).header("content-type", media_type).body(bytes);
        let response = self.reply(request).await?;
        let status = response.status();
        if status.is_success() {
            return Ok(None);
        }
        let text = response.text().await.unwrap_or_default();
        let body: Value = serde_json::from_str(&text).unwrap_or_default();
        match body.pointer("/error/details") {
            Some(details) if details.part("problems").is_array() => Ok(Some(details.clone())),
            _ => Err(refusal(status.as_u16(), &text).into()),
        }
    }

    /// The host's address.
    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    /// A request of a path that is not below `/api/v1`.
    pub(crate) fn outside(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.base));
        self.bearer.iter().fold(request, |request, bearer| request.header(AUTHORIZATION, bearer))
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.outside(method, &format!("/api/v1{path}"))
    }

    /// Whatever the host replies.
    pub(crate) async fn reply(&self, request: RequestBuilder) -> anyhow::Result<Response> {
        request.send().await.map_err(|error| {
            let told = if trust::is_about_trust(&error) {
                self.is_not_trusted()
            } else {
                Exit::new(HOST, format!("the host at {} does not answer: is it running?", self.base))
            };
            anyhow::Error::new(error).context(told)
        })
    }

    fn is_not_trusted(&self) -> Exit {
        let told = format!(
            "the host at {} and this command do not trust each other: name its authority with --ca FILE, and what it \
             wants to see with --identity FILE",
            self.base
        );
        Exit::new(HOST, told)
    }

    async fn send(&self, request: RequestBuilder) -> anyhow::Result<Response> {
        let response = self.reply(request).await?;
        if response.status().is_success() {
            return Ok(response);
        }
        let status = response.status();
        let text = response.text().await.unwrap_or_default();
        Err(refusal(status.as_u16(), &text).into())
    }

    /// The events of an execution from `from` on, as they come, until the last one.
    pub(crate) async fn events(
        &self,
        execution: &str,
        from: u64,
    ) -> anyhow::Result<impl futures_util::Stream<Item = anyhow::Result<Value>> + Unpin + use<>> {
        let path = format!("/executions/{execution}/events?fromSeq={from}");
        let response = self.send(self.request(Method::GET, &path)).await?;
        let frames = Frames { body: Box::pin(response.bytes_stream()), buffer: Vec::new() };
        Ok(Box::pin(futures_util::stream::unfold(frames, |mut frames| async move {
            frames.next().await.transpose().map(|frame| (frame, frames))
        })))
    }
}

/// The header that brings a key. It is shown nowhere.
fn bearer(key: &str) -> anyhow::Result<HeaderValue> {
    let mut value = HeaderValue::try_from(format!("Bearer {}", key.trim())).map_err(|_| {
        Exit::new(USAGE, "the key of --key, or of ORGATA_KEY, is no key: it has characters that none has")
    })?;
    value.set_sensitive(true);
    Ok(value)
}

async fn json(response: Response) -> anyhow::Result<Value> {
    let text = response.text().await.context("the host's reply broke off")?;
    if text.is_empty() {
        return Ok(Value::Null);
    }
    serde_json::from_str(&text).context("the host's reply is not JSON")
}

/// The host's own words: every refusal has one shape.
fn refusal(status: u16, text: &str) -> Exit {
    let body: Value = serde_json::from_str(text).unwrap_or_default();
    let part = |name: &str| body.pointer(&format!("/error/{name}"));
    let word = |name: &str| part(name).and_then(Value::as_str);
    let code = word("code").unwrap_or("UNKNOWN");
    let mut told =
        format!("{} [{code}, HTTP {status}]", word("message").unwrap_or("the host gave no reason"));
    for cause in
        part("details/causes").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
    {
        told.push_str(&format!("\n  because: {cause}"));
    }
    if code == "UNAUTHENTICATED" {
        told.push_str(
            "\n  hint: name a key with --key, or in the variable ORGATA_KEY; `orgata key create` makes one",
        );
    }
    if let Some(hint) = word("details/hint").filter(|hint| !hint.is_empty()) {
        told.push_str(&format!("\n  hint: {hint}"));
    }
    if let Some(report) = word("details/report") {
        told.push_str(&format!("\n{report}"));
    }
    Exit::new(HOST, told)
}

type Body = std::pin::Pin<Box<dyn futures_util::Stream<Item = reqwest::Result<bytes::Bytes>> + Send>>;

/// Server-sent events, one JSON document each.
struct Frames {
    body: Body,
    buffer: Vec<u8>,
}

impl Frames {
    async fn next(&mut self) -> anyhow::Result<Option<Value>> {
        loop {
            if let Some(end) = self.buffer.windows(2).position(|pair| pair == b"\n\n") {
                let frame: Vec<u8> = self.buffer.drain(..end + 2).collect();
                if let Some(data) = data_of(&String::from_utf8_lossy(&frame)) {
                    return serde_json::from_str(&data).map(Some).context("an event is not JSON");
                }
                continue;
            }
            match self.body.next().await {
                Some(chunk) => self.buffer.extend_from_slice(&chunk.context("the event stream broke off")?),
                None => return Ok(None),
            }
        }
    }
}

fn data_of(frame: &str) -> Option<String> {
    let lines: Vec<&str> =
        frame.lines().filter_map(|line| line.strip_prefix("data:")).map(|data| data.trim_start()).collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_told_with_its_causes_and_what_to_do() {
        let body = r#"{ "error": { "code": "PLUGIN_REFUSED", "message": "no", "requestId": "r",
            "details": { "causes": ["a", "b"], "hint": "do" } } }"#;
        let told = refusal(422, body);
        assert_eq!(told.message, "no [PLUGIN_REFUSED, HTTP 422]\n  because: a\n  because: b\n  hint: do");
        assert_eq!(told.code, HOST);
    }

    #[test]
    fn an_answer_that_is_not_the_hosts_is_told_all_the_same() {
        assert_eq!(refusal(502, "<html>").message, "the host gave no reason [UNKNOWN, HTTP 502]");
    }
}

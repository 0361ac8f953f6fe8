//! The providers against servers that answer well, badly, slowly, hugely and not at all.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on ends right there")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use orgata_engine::ports::{ModelAnswer, ModelError, ModelMessage, ModelRequest, Models as _, Speaker};
use orgata_gateway::Gateway;
use orgata_model::sampling::ModelSource;
use secrecy::SecretString;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

const KEY: &str = "sk-hunter2-correct-horse";
const PROMPT: &str = "What is the airspeed of a swallow?";

/// A server that says one thing to everybody, and keeps what it was sent.
struct Server {
    url: String,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Server {
    async fn saying(reply: impl Into<Vec<u8>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/v1/", listener.local_addr().unwrap());
        let (reply, seen) = (reply.into(), Arc::<Mutex<Vec<String>>>::default());
        let sent = Arc::clone(&seen);
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let request = request(&mut stream).await;
                sent.lock().unwrap().push(request);
                // A client that has heard enough goes away.
                let _ = stream.write_all(&reply).await;
            }
        });
        Self { url, seen }
    }

    async fn answering(status: &str, body: &Value) -> Self {
        Self::saying(reply(status, "", &body.to_string())).await
    }

    fn source(&self, provider: &str) -> ModelSource {
        let source = json!({ "provider": provider, "baseUrl": self.url, "model": "m-1", "apiKey": "KEY" });
        serde_json::from_value(source).unwrap()
    }

    fn request(&self) -> (String, Value) {
        let seen = self.seen.lock().unwrap();
        let (head, body) = seen[0].split_once("\r\n\r\n").unwrap();
        (head.to_ascii_lowercase(), serde_json::from_str(body).unwrap())
    }
}

/// A whole request with a length.
async fn request(stream: &mut TcpStream) -> String {
    let mut all = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        let read = stream.read(&mut chunk).await.unwrap();
        all.extend_from_slice(&chunk[..read]);
        let text = String::from_utf8_lossy(&all).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.to_ascii_lowercase().split("content-length: ").nth(1).unwrap().to_owned();
        let length: usize = length.split("\r\n").next().unwrap().parse().unwrap();
        if body.len() >= length {
            return text;
        }
    }
}

fn reply(status: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n{headers}\r\n{body}")
}

fn question(response_schema: Option<Value>) -> ModelRequest {
    let message = |role, content: &str| ModelMessage { role, content: content.to_owned() };
    ModelRequest {
        messages: vec![message(Speaker::System, "Be brief."), message(Speaker::User, PROMPT)],
        max_tokens: 50,
        response_schema,
        number: 0,
    }
}

async fn ask(source: &ModelSource, schema: Option<Value>) -> Result<ModelAnswer, ModelError> {
    let key = SecretString::from(KEY);
    let asked = Gateway::open(None).unwrap();
    let answer = asked.sample(source, Some(&key), &question(schema)).await;
    if let Err(error) = &answer {
        let told = format!("{error} {error:?}");
        assert!(!told.contains("hunter2") && !told.contains("swallow"), "{told}");
    }
    answer
}

fn completion() -> Value {
    json!({
        "model": "m-1-2026",
        "choices": [{ "message": { "role": "assistant", "content": "Which one?" } }],
        "usage": { "prompt_tokens": 21, "completion_tokens": 4 },
    })
}

#[tokio::test]
async fn openai_is_asked_in_its_own_words() {
    let server = Server::answering("200 OK", &completion()).await;
    let schema = json!({ "type": "string" });
    let answer = ask(&server.source("openai"), Some(schema.clone())).await.unwrap();
    assert_eq!((answer.content.as_str(), answer.model.as_str()), ("Which one?", "m-1-2026"));
    assert_eq!((answer.input_tokens, answer.output_tokens), (21, 4));
    let (head, body) = server.request();
    assert!(head.starts_with("post /v1/chat/completions "), "{head}");
    assert!(head.contains(&format!("authorization: bearer {KEY}")), "{head}");
    assert_eq!(body["model"], "m-1");
    assert_eq!(body["max_tokens"], 50);
    assert_eq!(body["messages"][1], json!({ "role": "user", "content": PROMPT }));
    assert_eq!(body["response_format"]["json_schema"]["schema"], schema);
}

#[tokio::test]
async fn ollama_is_asked_in_its_own_words() {
    let said = json!({ "model": "m-1", "message": { "content": "Which one?" }, "prompt_eval_count": 9, "eval_count": 3 });
    let server = Server::answering("200 OK", &said).await;
    let schema = json!({ "type": "string" });
    let answer = ask(&server.source("ollama"), Some(schema.clone())).await.unwrap();
    assert_eq!((answer.content.as_str(), answer.input_tokens, answer.output_tokens), ("Which one?", 9, 3));
    let (head, body) = server.request();
    assert!(head.starts_with("post /v1/api/chat "), "{head}");
    assert_eq!((&body["stream"], &body["format"]), (&json!(false), &schema));
    assert_eq!(body["options"]["num_predict"], 50);
    assert_eq!(body["messages"][0], json!({ "role": "system", "content": "Be brief." }));
}

#[tokio::test]
async fn refusals_are_told_apart_and_repeat_nothing() {
    let echo =
        json!({ "error": { "message": format!("bad: {PROMPT} {KEY}"), "code": "context_length_exceeded" } });
    for (status, headers, word, shown) in [
        ("401 Unauthorized", "", "not_allowed", "model.apiKey"),
        ("403 Forbidden", "", "not_allowed", "403"),
        ("429 Too Many Requests", "retry-after: 7\r\n", "rate_limited", "wait for 7s"),
        ("500 Oops", "", "unavailable", "may work later"),
        ("503 Busy", "", "unavailable", "503"),
        ("404 Not Found", "", "refused", "has it that model"),
        ("400 Bad Request", "", "refused", "context_length_exceeded"),
        ("302 Found", "location: http://127.0.0.1:9/\r\n", "refused", "nobody follows"),
    ] {
        let server = Server::saying(reply(status, headers, &echo.to_string())).await;
        let error = ask(&server.source("openai"), None).await.unwrap_err();
        assert_eq!(error.word(), word, "{status}");
        assert!(error.to_string().contains(shown), "{status}: {error}");
    }
}

#[tokio::test]
async fn what_is_no_answer_is_refused() {
    for body in
        ["", "<html>", "{}", r#"{"choices":[]}"#, r#"{"choices":[{"message":{}}]}"#, r#"{"choices":7}"#]
    {
        let server = Server::saying(reply("200 OK", "", body)).await;
        let error = ask(&server.source("openai"), None).await.unwrap_err();
        assert_eq!(error.word(), "unfit", "{body}: {error}");
        let error = ask(&server.source("ollama"), None).await.unwrap_err();
        assert_eq!(error.word(), "unfit", "{body}: {error}");
    }
}

#[tokio::test]
async fn an_answer_without_end_is_not_read_to_it() {
    let mut huge = b"HTTP/1.1 200 OK\r\ncontent-length: 100000000\r\n\r\n".to_vec();
    huge.resize(10_000_000, b'x');
    let server = Server::saying(huge).await;
    assert_eq!(ask(&server.source("openai"), None).await.unwrap_err().word(), "too_large");
}

#[tokio::test]
async fn a_server_that_hangs_up_or_is_not_there_cannot_be_reached() {
    let cut_off = Server::saying("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{").await;
    assert_eq!(ask(&cut_off.source("openai"), None).await.unwrap_err().word(), "unreachable");
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let nobody = Server { url, seen: Arc::default() };
    assert_eq!(ask(&nobody.source("ollama"), None).await.unwrap_err().word(), "unreachable");
}

#[tokio::test]
async fn whoever_no_longer_waits_ends_the_request() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let silent = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        request(&mut stream).await;
        // It never answers; the client goes away.
        stream.read(&mut [0]).await.unwrap()
    });
    let source = Server { url, seen: Arc::default() }.source("openai");
    let waited = tokio::time::timeout(Duration::from_millis(300), ask(&source, None)).await;
    assert!(waited.is_err(), "nobody answered");
    assert_eq!(silent.await.unwrap(), 0, "the connection is closed");
}

#[test]
fn a_file_of_certificates_that_is_none_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let told = Gateway::open(Some(&folder.path().join("roots.pem"))).unwrap_err().to_string();
    assert!(told.contains("roots.pem"), "{told}");
}

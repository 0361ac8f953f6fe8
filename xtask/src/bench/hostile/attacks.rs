//! What hostile callers try, and what they may be answered.

use bytes::Bytes;
use http_body_util::Full;
use hyper::Request;

use super::stage::Stage;

/// Operations of the plugin `hostile`; there is a playbook for each.
pub(super) const DEEDS: [&str; 12] = [
    "loop",
    "recurse",
    "memory-bomb",
    "stdout-flood",
    "log-flood",
    "progress-flood",
    "huge-result",
    "deep-json",
    "not-json",
    "bad-output",
    "trap",
    "panic",
];

/// One thing that is tried over and over.
pub(super) struct Attack {
    method: &'static str,
    path: String,
    headers: Vec<(&'static str, String)>,
    body: Bytes,
    /// What it may be answered, beside 429.
    pub(super) answers: &'static [u16],
    /// Whether the answer means that somebody was not let in, so that it must be in the audit.
    pub(super) refusal: bool,
}

impl Attack {
    fn new(method: &'static str, path: impl Into<String>, answers: &'static [u16]) -> Self {
        let (path, body) = (path.into(), Bytes::new());
        Self { method, path, headers: Vec::new(), body, answers, refusal: false }
    }

    /// As whom: the value of `Authorization`.
    fn bearing(self, proof: &str) -> Self {
        self.with("authorization", format!("Bearer {proof}"))
    }

    fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.retain(|(set, _)| *set != name);
        self.headers.push((name, value.into()));
        self
    }

    fn sending(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self.with("content-type", "application/json")
    }

    fn refused(mut self) -> Self {
        self.refusal = true;
        self
    }

    /// As a request. Who names no host calls this one.
    pub(super) fn request(&self) -> hyper::http::Result<Request<Full<Bytes>>> {
        let mut request = Request::builder().method(self.method).uri(&self.path);
        if !self.headers.iter().any(|(name, _)| *name == "host") {
            request = request.header("host", "127.0.0.1");
        }
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        request.body(Full::new(self.body.clone()))
    }

    pub(super) fn has(&self, text: &str) -> bool {
        self.name().contains(text) || String::from_utf8_lossy(&self.body).contains(text)
    }

    /// For people.
    pub(super) fn name(&self) -> String {
        format!("{} {}", self.method, self.path)
    }
}

/// A token that asks to be believed without a signature.
const UNSIGNED: &str = "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.eyJzdWIiOiJhbm4iLCJleHAiOjQxMDI0NDQ4MDB9.";
/// Looks like a key of this host, and is none.
const MADE_UP: &str = "orgata_01a1fb07b2a37214ae46a26510f8ddf7_T6qAdwTWAX29JkC7Wc3ST6l1HuZPZ6zSQD62LHWXSkI";

/// All of them; `execution` is one of the honest.
pub(super) fn all(stage: &Stage, execution: &str) -> Vec<Attack> {
    let mallory = |attack: Attack| attack.bearing(&stage.mallory);
    let mut all = strangers();
    all.extend(trespasses(execution).into_iter().map(mallory));
    all.extend(nonsense().into_iter().map(mallory));
    all.extend(DEEDS.map(misdeed).map(mallory));
    all
}

/// Who has no proof, or a false one.
fn strangers() -> Vec<Attack> {
    let list = || Attack::new("GET", "/api/v1/executions", &[401]).refused();
    vec![
        list(),
        list().bearing(MADE_UP),
        list().bearing(UNSIGNED),
        list().with("authorization", "Basic cm9vdDpyb290"),
        Attack::new("POST", "/mcp", &[401])
            .sending(r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#)
            .refused(),
    ]
}

/// Who goes where they may not.
fn trespasses(execution: &str) -> Vec<Attack> {
    let start = r#"{"playbookName":"ten","input":{}}"#;
    let playbook = "name: mine\nsteps: [{ name: only, operation: bench/noop }]\n";
    vec![
        Attack::new("GET", format!("/api/v1/executions/{execution}"), &[404]).refused(),
        Attack::new("POST", format!("/api/v1/executions/{execution}/cancel"), &[404]).sending("{}").refused(),
        Attack::new("POST", "/api/v1/runtimes/works/executions", &[404]).sending(start).refused(),
        Attack::new("PUT", "/api/v1/runtimes/rough/playbooks/mine", &[403])
            .sending(playbook)
            .with("content-type", "application/yaml")
            .refused(),
        Attack::new("GET", "/api/v1/audit", &[403]).refused(),
        Attack::new("POST", "/api/v1/keys", &[403]).sending(r#"{"name":"me","kind":"user"}"#).refused(),
        Attack::new("POST", "/api/v1/plugins", &[403])
            .sending(Bytes::from_static(b"\0asm\x0d\0\x01\0"))
            .with("content-type", "application/wasm")
            .refused(),
    ]
}

/// What no parser should swallow, and no proxy pass on.
fn nonsense() -> Vec<Attack> {
    let start = |answers| Attack::new("POST", "/api/v1/runtimes/rough/executions", answers);
    let deep = ["[".repeat(50_000), "]".repeat(50_000)].concat();
    vec![
        start(&[400]).sending(r#"{"playbookName":"#),
        start(&[400]).sending(format!(r#"{{"playbookName":"trap","input":{deep}}}"#)),
        start(&[400, 422]).sending(r#"{"playbookName":12,"input":"#.to_owned() + &"9".repeat(5000) + "}"),
        start(&[413]).sending(vec![b' '; 2 << 20]),
        Attack::new("GET", "/api/v1/runtimes/..%2f..%2f..%2fetc%2fpasswd/playbooks", &[400, 404]),
        Attack::new("GET", "/api/v1/executions?limit=-1&cursor=%00%ff", &[400, 422]),
        Attack::new("GET", "/api/v1/runtimes", &[403, 421]).with("host", "evil.example"),
        Attack::new("GET", "/api/v1/ws", &[403])
            .with("connection", "upgrade")
            .with("upgrade", "websocket")
            .with("sec-websocket-version", "13")
            .with("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
            .with("origin", "https://evil.example"),
    ]
}

/// An execution of a plugin that misbehaves: it ends by a limit, and the answer says so.
fn misdeed(deed: &str) -> Attack {
    Attack::new("POST", "/api/v1/runtimes/rough/executions?wait=20s", &[200])
        .sending(format!(r#"{{"playbookName":"{deed}","input":{{}}}}"#))
}

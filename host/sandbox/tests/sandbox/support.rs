//! A sandbox of a test's own, guests for it, and calls in one line.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use orgata_engine::ports::{
    Call, CallReport, Clock as _, LoadError, LogLine, Operations as _, Outcome, Plugins as _, Progress,
    Resume, Session, SessionContext, Source, SystemClock,
};
use orgata_model::operation::Plugin;
use orgata_model::runtime::{Environment, Grants};
use orgata_model::{Failure, OperationName};
use orgata_sandbox::{Sandbox, Settings};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// A sandbox in a folder of its own.
pub(crate) struct Bench {
    pub(crate) sandbox: Sandbox,
    pub(crate) data: TempDir,
    settings: Settings,
}

/// The bytes of a built guest.
pub(crate) fn guest(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/guests").join(format!("{name}.wasm"));
    std::fs::read(&path)
        .unwrap_or_else(|error| panic!("{}: {error}: run `cargo xtask plugins` first", path.display()))
}

/// A component in the text format.
pub(crate) fn component(text: &str) -> Vec<u8> {
    wat::parse_str(text).unwrap()
}

/// Somebody who uploads.
pub(crate) fn upload() -> Source {
    Source::Upload { by: "tester".to_owned() }
}

impl Bench {
    pub(crate) async fn new() -> Self {
        Self::with(Settings::default()).await
    }

    pub(crate) async fn with(settings: Settings) -> Self {
        let data = TempDir::new().unwrap();
        let sandbox = Sandbox::open(settings.clone(), data.path(), Arc::new(SystemClock)).await.unwrap();
        Self { sandbox, data, settings }
    }

    /// The sandbox closed and opened again.
    pub(crate) async fn reopened(self) -> Self {
        let Self { sandbox, data, settings } = self;
        drop(sandbox);
        let sandbox = Sandbox::open(settings.clone(), data.path(), Arc::new(SystemClock)).await.unwrap();
        Self { sandbox, data, settings }
    }

    pub(crate) async fn load(&self, name: &str) -> Arc<Plugin> {
        self.sandbox.load(guest(name), upload()).await.unwrap()
    }

    pub(crate) async fn refusal(&self, bytes: Vec<u8>) -> LoadError {
        self.sandbox.load(bytes, upload()).await.expect_err("it should have been refused")
    }

    pub(crate) fn session(&self) -> Box<dyn Session> {
        self.session_with(Grants::default(), "nobody")
    }

    /// A session in which `plugin` has these grants.
    pub(crate) fn session_with(&self, grants: Grants, plugin: &str) -> Box<dyn Session> {
        self.sandbox.open(context(grants, plugin))
    }

    pub(crate) fn call(&self, operation: &str, input: Value) -> Call {
        let operation: OperationName = operation.parse().unwrap();
        let catalog = self.sandbox.catalog();
        let digest =
            catalog.operation(&operation).unwrap_or_else(|| panic!("no operation {operation}")).digest;
        Call {
            digest,
            operation,
            step: "step".parse().unwrap(),
            iterations: Vec::new(),
            undoes: false,
            attempt: 1,
            idempotency_key: "key".to_owned(),
            role: None,
            started_at: "2026-01-02T03:04:05.678Z".parse().unwrap(),
            timeout: None,
            input: Arc::new(input),
            resume: None,
            progress: None,
        }
    }

    /// One call in a session of its own.
    pub(crate) async fn run(&self, operation: &str, input: Value) -> CallReport {
        self.session().call(self.call(operation, input)).await
    }

    /// A call in a session and a task of its own, which has begun: its operation told so, as `hostile`'s do.
    pub(crate) async fn begun(&self, operation: &str, mut input: Value) -> JoinHandle<CallReport> {
        input["tell"] = true.into();
        let (sender, mut reports) = progress(1);
        let session = self.session();
        let call = Call { progress: sender, ..self.call(operation, input) };
        let running = tokio::spawn(async move { session.call(call).await });
        reports.recv().await.expect("it tells that it has begun");
        running
    }

    pub(crate) async fn done(&self, operation: &str, input: Value) -> Value {
        done(self.run(operation, input).await)
    }

    pub(crate) async fn fails(&self, operation: &str, input: Value) -> Failure {
        failed(self.run(operation, input).await)
    }
}

pub(crate) fn context(grants: Grants, plugin: &str) -> SessionContext {
    let plugin = plugin.parse::<orgata_model::PluginName>().unwrap();
    let config = BTreeMap::from([("colour".to_owned(), json!("blue"))]);
    SessionContext {
        execution: orgata_model::ExecutionId::new(SystemClock.fresh_id()),
        runtime: "test-runtime".parse().unwrap(),
        environment: Environment::Development,
        grants: Arc::new(BTreeMap::from([(plugin.clone(), grants)]).into()),
        config: Arc::new(BTreeMap::from([(plugin, config)])),
        secrets: Arc::default(),
        states: None,
        model: None,
    }
}

#[track_caller]
pub(crate) fn done(report: CallReport) -> Value {
    match report.outcome {
        Ok(Outcome::Done(value)) => (*value).clone(),
        other => panic!("not done: {other:?}"),
    }
}

#[track_caller]
pub(crate) fn failed(report: CallReport) -> Failure {
    match report.outcome {
        Err(failure) => failure,
        other => panic!("no failure: {other:?}"),
    }
}

/// Asserts that a failure is a limit, and names it.
#[track_caller]
pub(crate) fn assert_limit(failure: &Failure, limit: &str) {
    assert_eq!(failure.code, "LIMIT_EXCEEDED", "{failure:?}");
    assert_eq!(failure.details.as_ref().unwrap()["limit"], json!(limit), "{failure:?}");
    assert!(failure.message.contains(limit), "{failure:?}");
}

/// Tries until something holds, or gives up after ten seconds.
pub(crate) async fn eventually<T>(what: &str, mut holds: impl FnMut() -> Option<T>) -> T {
    for _ in 0..500 {
        if let Some(found) = holds() {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("in vain waited for: {what}");
}

pub(crate) fn messages(log: &[LogLine]) -> Vec<&str> {
    log.iter().map(|line| line.message.as_str()).collect()
}

/// A folder with files that come and go.
pub(crate) struct Files(TempDir);

impl Files {
    pub(crate) fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Puts a file there in one step, as careful people do.
    pub(crate) fn put(&self, name: &str, bytes: &[u8]) {
        let partial = self.file(&format!("{name}.part"));
        std::fs::write(&partial, bytes).unwrap();
        std::fs::rename(partial, self.file(name)).unwrap();
    }

    pub(crate) fn remove(&self, name: &str) {
        std::fs::remove_file(self.file(name)).unwrap();
    }
}

pub(crate) fn resume(state: Value, answer: Value) -> Option<Resume> {
    Some(Resume { state, answer: Arc::new(answer) })
}

pub(crate) fn progress(room: usize) -> (Option<mpsc::Sender<Progress>>, mpsc::Receiver<Progress>) {
    let (sender, receiver) = mpsc::channel(room);
    (Some(sender), receiver)
}

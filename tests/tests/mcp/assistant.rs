//! An assistant: the client of the protocol's own library, with a person behind it.

use std::sync::{Arc, Mutex};

use orgata_tests::{TestHost, patience};
use rmcp::model::*;
use rmcp::service::{NotificationContext, RequestContext, RoleClient, RunningService};
use rmcp::transport::StreamableHttpClientTransport;
use rmcp::transport::streamable_http_client::StreamableHttpClientTransportConfig;
use rmcp::{ClientHandler, ClientLifecycleMode, ClientServiceExt, ErrorData};
use serde_json::{Value, json};
use tokio::sync::mpsc;

/// The revisions that are spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Era {
    /// 2025-11-25.
    Sessions,
    /// 2026-07-28.
    Stateless,
}

/// Both, for stories that hold in each.
pub(crate) const BOTH: [Era; 2] = [Era::Sessions, Era::Stateless];

/// What an assistant is told without asking.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Told {
    /// A resource changed.
    Updated(String),
    /// The list of resources changed.
    List,
    /// A request has come so far.
    Progress(f64, String),
}

/// Somebody who answers forms, in order; without answers left, forms are declined.
#[derive(Debug, Clone)]
pub(crate) struct Person {
    capabilities: ClientCapabilities,
    silent: bool,
    answers: Arc<Mutex<Vec<Value>>>,
    roots: Arc<Mutex<Vec<String>>>,
    asked_for_roots: Arc<Mutex<usize>>,
    /// The forms that were shown.
    pub(crate) forms: Arc<Mutex<Vec<Value>>>,
    told: mpsc::UnboundedSender<Told>,
}

/// An assistant that is connected.
pub(crate) struct Assistant {
    pub(crate) client: RunningService<RoleClient, Person>,
    /// The forms that were shown, and what its model was asked.
    pub(crate) forms: Arc<Mutex<Vec<Value>>>,
    /// Its roots, to change.
    pub(crate) roots: Arc<Mutex<Vec<String>>>,
    /// How often it was asked for them.
    pub(crate) asked_for_roots: Arc<Mutex<usize>>,
    told: mpsc::UnboundedReceiver<Told>,
}

/// What a client says that it can do.
#[derive(Debug, Clone, Default)]
pub(crate) struct Able {
    pub(crate) forms: bool,
    pub(crate) tasks: bool,
    /// Its person never answers a form.
    pub(crate) silent: bool,
    /// It lets the host ask its model.
    pub(crate) lends: bool,
    /// What it wants to see.
    pub(crate) roots: Option<Vec<String>>,
    /// Whose it is, if not whoever the host's other requests are from.
    pub(crate) key: Option<String>,
    /// What its person answers to forms, or its model to questions.
    pub(crate) answers: Vec<Value>,
}

impl Assistant {
    /// One that can show nothing and knows no tasks.
    pub(crate) async fn plain(host: &TestHost, era: Era) -> Self {
        Self::connect(host, era, Able::default()).await
    }

    /// One whose person answers forms.
    pub(crate) async fn with_person(host: &TestHost, era: Era, answers: impl Into<Vec<Value>>) -> Self {
        Self::connect(host, era, Able { forms: true, answers: answers.into(), ..Able::default() }).await
    }

    /// One that can do this.
    pub(crate) async fn connect(host: &TestHost, era: Era, able: Able) -> Self {
        let (told, hears) = mpsc::unbounded_channel();
        let mut capabilities = json!({});
        if able.forms {
            capabilities["elicitation"] = json!({ "form": {} });
        }
        if able.tasks {
            capabilities["extensions"] = json!({ "io.modelcontextprotocol/tasks": {} });
        }
        if able.lends {
            capabilities["sampling"] = json!({});
        }
        if able.roots.is_some() {
            capabilities["roots"] = json!({ "listChanged": true });
        }
        let capabilities = serde_json::from_value(capabilities).unwrap();
        let forms: Arc<Mutex<Vec<Value>>> = Arc::default();
        let answers = Arc::new(Mutex::new(able.answers));
        let roots = Arc::new(Mutex::new(able.roots.unwrap_or_default()));
        let asked_for_roots: Arc<Mutex<usize>> = Arc::default();
        let person = Person {
            capabilities,
            silent: able.silent,
            answers,
            roots: Arc::clone(&roots),
            asked_for_roots: Arc::clone(&asked_for_roots),
            forms: Arc::clone(&forms),
            told,
        };
        let mut config = StreamableHttpClientTransportConfig::with_uri(host.url("/mcp"));
        if let Some(key) = able.key.as_deref().or(host.key()) {
            config = config.auth_header(key);
        }
        let transport = StreamableHttpClientTransport::from_config(config);
        let lifecycle = match era {
            Era::Sessions => ClientLifecycleMode::Initialize,
            Era::Stateless => {
                ClientLifecycleMode::Discover { preferred_versions: vec![ProtocolVersion::V_2026_07_28] }
            }
        };
        let client = patience::within(person.serve_with_lifecycle(transport, lifecycle)).await;
        let client = client.expect("the host answers in time").expect("the host speaks this revision");
        Self { client, forms, roots, asked_for_roots, told: hears }
    }

    /// Calls a tool: its structured result. It must not refuse.
    pub(crate) async fn call(&self, tool: &'static str, arguments: Value) -> Value {
        let result = self.try_call(tool, arguments).await;
        assert_ne!(result.is_error, Some(true), "{tool}: {result:#?}");
        result.structured_content.expect("a result is structured")
    }

    /// Calls a tool, whatever comes of it.
    pub(crate) async fn try_call(&self, tool: &'static str, arguments: Value) -> CallToolResult {
        match self.call_once(tool, arguments).await {
            Ok(CallToolResponse::Complete(result)) => result,
            other => panic!("{tool}: no result: {other:#?}"),
        }
    }

    /// Calls a tool once: what it gives may be a task, or a wish for input.
    pub(crate) async fn call_once(
        &self,
        tool: &'static str,
        arguments: Value,
    ) -> Result<CallToolResponse, rmcp::ServiceError> {
        self.client.call_tool_once(request(tool, arguments)).await
    }

    /// Calls a tool that refuses: the error, in the one shape that errors have.
    pub(crate) async fn refused(&self, tool: &'static str, arguments: Value) -> Value {
        let result = self.try_call(tool, arguments).await;
        assert_eq!(result.is_error, Some(true), "{result:#?}");
        // Structured content must be what the tool's output schema says, and an error is not.
        assert!(result.structured_content.is_none(), "{result:#?}");
        let text = result.content.first().and_then(|content| content.as_text()).expect("an error is text");
        let body: Value = serde_json::from_str(&text.text).expect("an error is JSON");
        assert!(body["error"]["message"].is_string() && body["error"]["requestId"].is_string(), "{body}");
        body["error"].clone()
    }

    /// Starts a sandwich and waits until it asks: the execution.
    pub(crate) async fn begin_sandwich(&self, kind: &str) -> String {
        let handle = self.call("execute_playbook", sandwich(kind, "30s")).await;
        assert_eq!(handle["status"], "waiting", "{handle}");
        handle["executionId"].as_str().unwrap().to_owned()
    }

    /// What an execution asks.
    pub(crate) async fn questions(&self, execution: &str) -> Vec<Value> {
        let page = self.call("get_pending_interventions", json!({ "executionId": execution })).await;
        page["items"].as_array().unwrap().clone()
    }

    /// The text of a resource.
    pub(crate) async fn read(&self, uri: &str) -> String {
        let read = self.client.read_resource(ReadResourceRequestParams::new(uri)).await.unwrap();
        match read.contents.into_iter().next() {
            Some(ResourceContents::TextResourceContents { text, uri: named, .. }) => {
                assert_eq!(named, uri);
                text
            }
            other => panic!("{uri}: {other:?}"),
        }
    }

    /// Waits until it is told something that fits.
    pub(crate) async fn until(&mut self, wanted: impl Fn(&Told) -> bool) -> Told {
        let mut seen = Vec::new();
        let hearing = patience::within(async {
            while let Some(told) = self.told.recv().await {
                if wanted(&told) {
                    return Some(told);
                }
                seen.push(told);
            }
            None
        });
        let found = hearing.await.flatten();
        found.unwrap_or_else(|| panic!("it was never told; what it was told: {seen:#?}"))
    }

    /// What it was told so far.
    pub(crate) fn told(&mut self) -> Vec<Told> {
        std::iter::from_fn(|| self.told.try_recv().ok()).collect()
    }
}

/// A call of a tool.
pub(crate) fn request(tool: &'static str, arguments: Value) -> CallToolRequestParams {
    let Value::Object(arguments) = arguments else { panic!("arguments are an object: {arguments}") };
    CallToolRequestParams::new(tool).with_arguments(arguments)
}

/// The arguments that start a sandwich.
pub(crate) fn sandwich(kind: &str, wait: &str) -> Value {
    let input = json!({ "sandwichType": kind });
    json!({ "runtimeId": "kitchen-v1", "playbookName": "pbj-sandwich", "input": input, "wait": wait })
}

impl ClientHandler for Person {
    fn get_info(&self) -> ClientConfig {
        ClientConfig::new(self.capabilities.clone(), Implementation::new("stories", "1.0.0"))
    }

    async fn create_elicitation(
        &self,
        request: ElicitRequestParams,
        _: RequestContext<RoleClient>,
    ) -> Result<ElicitResult, ErrorData> {
        self.forms.lock().unwrap().push(json!(request));
        if self.silent {
            std::future::pending::<()>().await;
        }
        let mut answers = self.answers.lock().unwrap();
        if answers.is_empty() {
            return Ok(ElicitResult::new(ElicitationAction::Decline));
        }
        Ok(ElicitResult::new(ElicitationAction::Accept).with_content(answers.remove(0)))
    }

    #[expect(deprecated, reason = "of the earlier revision")]
    async fn create_message(
        &self,
        request: CreateMessageRequestParams,
        _: RequestContext<RoleClient>,
    ) -> Result<CreateMessageResult, ErrorData> {
        self.forms.lock().unwrap().push(json!(request));
        let mut answers = self.answers.lock().unwrap();
        if answers.is_empty() {
            return Err(ErrorData::new(ErrorCode(-1), "the person said no", None));
        }
        let said = answers.remove(0).as_str().unwrap().to_owned();
        Ok(CreateMessageResult::new(SamplingMessage::assistant_text(said), "the-assistants-own".to_owned()))
    }

    #[expect(deprecated, reason = "of the earlier revision")]
    async fn list_roots(&self, _: RequestContext<RoleClient>) -> Result<ListRootsResult, ErrorData> {
        *self.asked_for_roots.lock().unwrap() += 1;
        let roots = self.roots.lock().unwrap();
        Ok(ListRootsResult::new(roots.iter().map(Root::new).collect()))
    }

    async fn on_resource_updated(
        &self,
        params: ResourceUpdatedNotificationParam,
        _: NotificationContext<RoleClient>,
    ) {
        let _ = self.told.send(Told::Updated(params.uri));
    }

    async fn on_resource_list_changed(&self, _: NotificationContext<RoleClient>) {
        let _ = self.told.send(Told::List);
    }

    async fn on_progress(&self, params: ProgressNotificationParam, _: NotificationContext<RoleClient>) {
        let _ = self.told.send(Told::Progress(params.progress, params.message.unwrap_or_default()));
    }
}

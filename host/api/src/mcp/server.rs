//! What the protocol's library calls: one door for each method, and nothing behind it but a conversion.
//!
//! A session has one of these for its whole life; a request without a session has one of its own. It keeps what the
//! session follows, and nothing else.

use std::borrow::Cow;
use std::sync::OnceLock;

use axum::extract::FromRef as _;
use orgata_engine::{Engine, Principal};
use rmcp::model::*;
use rmcp::service::{NotificationContext, Peer, RequestContext, RoleServer, SubscriptionContext};
use rmcp::{ErrorData, ServerHandler};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::address::Address;
use super::call::{self, Call};
use super::changes::{self, Followed};
use super::reply::{parameter_error, protocol_error, without_call};
use super::roots::Roots;
use super::{completion, prompts, resources, tasks, tools};
use crate::app::App;
use crate::error::ApiError;

/// The revisions that are served.
const REVISIONS: [ProtocolVersion; 2] = [ProtocolVersion::V_2026_07_28, ProtocolVersion::V_2025_11_25];
/// How long lists that never change while the host runs may be kept, in milliseconds.
const LONG: u64 = 3_600_000;

/// What an assistant is told first.
const INSTRUCTIONS: &str = "\
Orgata runs playbooks: durable workflows whose steps are sandboxed operations, and which stop where a person must decide \
(interventions). Begin with `list_runtimes`. Start with `execute_playbook`; its answer has an `executionId` to follow with \
`get_execution`, or give `wait`. An execution that is `waiting` has questions: `get_pending_interventions` shows them; show \
them to the person whose decision it is and answer with `intervene_execution`. Executions go on by themselves and outlive \
this connection. Every error has a stable `code` and says what to do. To change a workflow: read its resource \
`orgata://playbook/{runtime}/{playbook}`, then `check_playbook`, then `publish_playbook`.";

/// The protocol's side of the host, for one client.
pub(super) struct Server {
    app: App,
    followed: Followed,
    roots: Roots,
    /// Ends the notices when the session does.
    ended: OnceLock<DropGuard>,
}

impl Server {
    pub(super) fn new(app: App) -> Self {
        Self { app, followed: Followed::default(), roots: Roots::default(), ended: OnceLock::new() }
    }

    fn call(&self, context: RequestContext<RoleServer>) -> Result<Call, ErrorData> {
        Call::new(&self.app, &self.roots, context).map_err(|error| without_call(&error))
    }

    /// Begins to tell the session of changes, once.
    fn tell(&self, who: Principal, peer: Peer<RoleServer>) {
        let ended = CancellationToken::new();
        if self.ended.set(ended.clone().drop_guard()).is_ok() {
            let engine = Engine::from_ref(&self.app);
            changes::tell_session(engine, who, self.followed.clone(), peer, ended);
        }
    }
}

fn info() -> ServerConfig {
    let capabilities = ServerCapabilities::builder()
        .enable_tools()
        .enable_prompts()
        .enable_resources()
        .enable_resources_subscribe()
        .enable_resources_list_changed()
        .enable_completions()
        .enable_tasks()
        .build();
    let own = Implementation::new("orgata", env!("CARGO_PKG_VERSION")).with_title("Orgata");
    ServerConfig::new(capabilities)
        .with_server_info(own)
        .with_instructions(INSTRUCTIONS)
        .with_protocol_version(ProtocolVersion::V_2025_11_25)
}

impl ServerHandler for Server {
    fn get_info(&self) -> ServerConfig {
        info()
    }

    /// Opens a session. What its revision does not have is not offered.
    async fn initialize(
        &self,
        request: InitializeRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<InitializeResult, ErrorData> {
        context.peer.set_peer_info(request.clone());
        let mut agreed = self.negotiate_initialize(&request)?;
        agreed.capabilities.extensions = None;
        Ok(agreed)
    }

    fn supported_protocol_versions(&self) -> Cow<'static, [ProtocolVersion]> {
        Cow::Borrowed(&REVISIONS)
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let mut result = ListToolsResult::with_all_items(tools::definitions());
        (result.ttl_ms, result.cache_scope) = (Some(LONG), Some(CacheScope::Public));
        Ok(result)
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        tools::definition(name)
    }

    async fn call_tool(
        &self,
        mut request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let (state, answers) = (request.request_state.take(), request.input_responses.take());
        let call = self.call(context)?.again(state, answers);
        let name: String = request.name.chars().take(60).collect();
        tools::call(&call, request).await.ok_or_else(|| {
            protocol_error(
                &call,
                &ApiError::bad_request(format!("there is no tool `{name}`: see tools/list")),
            )
        })
    }

    async fn list_resources(
        &self,
        request: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        let call = self.call(context)?;
        let cursor = request.and_then(|request| request.cursor);
        let page = resources::list(&call, cursor.as_deref()).await;
        let page = page.map_err(|error| protocol_error(&call, &error))?;
        let mut result = ListResourcesResult::with_all_items(page.items);
        result.next_cursor = page.next;
        // What is listed will depend on who asks.
        (result.ttl_ms, result.cache_scope) = (Some(0), Some(CacheScope::Private));
        Ok(result)
    }

    async fn list_resource_templates(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        let mut result = ListResourceTemplatesResult::with_all_items(resources::templates());
        (result.ttl_ms, result.cache_scope) = (Some(LONG), Some(CacheScope::Public));
        Ok(result)
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        let call = self.call(context)?;
        let read = resources::read(&call, &request.uri).await;
        let contents = read.map_err(|error| about(&request.uri, protocol_error(&call, &error)))?;
        let mut result = ReadResourceResult::new(vec![contents]);
        (result.ttl_ms, result.cache_scope) = (Some(0), Some(CacheScope::Private));
        Ok(result.into())
    }

    async fn list_prompts(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListPromptsResult, ErrorData> {
        let mut result = ListPromptsResult::with_all_items(prompts::definitions());
        (result.ttl_ms, result.cache_scope) = (Some(LONG), Some(CacheScope::Public));
        Ok(result)
    }

    async fn get_prompt(
        &self,
        request: GetPromptRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<GetPromptResponse, ErrorData> {
        let call = self.call(context)?;
        let prompt = prompts::get(&call, &request.name, request.arguments.unwrap_or_default()).await;
        prompt.map(Into::into).map_err(|error| parameter_error(&call, &error))
    }

    async fn complete(
        &self,
        request: CompleteRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CompleteResult, ErrorData> {
        let call = self.call(context)?;
        let completed = completion::complete(&call, &request).await;
        completed.map(CompleteResult::new).map_err(|error| parameter_error(&call, &error))
    }

    async fn on_initialized(&self, context: NotificationContext<RoleServer>) {
        if let Some(who) = call::owner(&context) {
            self.tell(who, context.peer);
        }
    }

    async fn on_roots_list_changed(&self, context: NotificationContext<RoleServer>) {
        self.roots.changed();
        // What the lists have changed with them. A client that does not hear of it has asked for it itself.
        let _ = context.peer.notify_resource_list_changed().await;
    }

    async fn subscribe(
        &self,
        request: SubscribeRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        let call = self.call(context)?;
        // What cannot be read cannot be followed.
        let read = resources::read(&call, &request.uri).await;
        read.map_err(|error| about(&request.uri, protocol_error(&call, &error)))?;
        // A client may ask before it has said that it is ready.
        self.tell(call.who.clone(), call.context.peer.clone());
        let most = self.app.settings().mcp.subscriptions;
        self.followed.add(request.uri, most).map_err(|error| protocol_error(&call, &error))
    }

    async fn unsubscribe(
        &self,
        request: UnsubscribeRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        self.followed.remove(&request.uri);
        Ok(())
    }

    fn accepted_subscription_filter(&self, requested: &SubscriptionFilter) -> Option<SubscriptionFilter> {
        let most = self.app.settings().mcp.subscriptions;
        let named = |uri: &&String| uri.parse::<Address>().is_ok();
        let mut accepted = SubscriptionFilter::new();
        accepted.resources_list_changed = requested.resources_list_changed;
        accepted.resource_subscriptions = requested
            .resource_subscriptions
            .as_ref()
            .map(|uris| uris.iter().filter(named).take(most).cloned().collect());
        Some(accepted)
    }

    async fn listen(&self, context: SubscriptionContext) -> Result<(), ErrorData> {
        let call = self.call(context.request_context().clone())?;
        changes::tell_stream(call.engine(), call.who, context, self.app.closing()).await;
        Ok(())
    }

    async fn get_task(
        &self,
        request: GetTaskParams,
        context: RequestContext<RoleServer>,
    ) -> Result<GetTaskResult, ErrorData> {
        let call = self.call(context)?;
        known::<GetTaskMethod>(&call)?;
        tasks::get(&call, &request.task_id).await.map(GetTaskResult::new)
    }

    async fn update_task(
        &self,
        request: UpdateTaskParams,
        context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        let call = self.call(context)?;
        known::<UpdateTaskMethod>(&call)?;
        tasks::update(&call, &request.task_id, request.input_responses).await
    }

    async fn cancel_task(
        &self,
        request: CancelTaskParams,
        context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        let call = self.call(context)?;
        known::<CancelTaskMethod>(&call)?;
        tasks::cancel(&call, &request.task_id).await
    }
}

/// The error says of which resource it is, as clients of the protocol expect.
fn about(uri: &str, mut error: ErrorData) -> ErrorData {
    if let Some(data) = error.data.as_mut().and_then(serde_json::Value::as_object_mut) {
        data.insert("uri".to_owned(), uri.into());
    }
    error
}

/// Whether the method is one of the revision that the client speaks, and the client says that it knows tasks.
fn known<M: ConstString>(call: &Call) -> Result<(), ErrorData> {
    if !call.is_stateless() {
        return Err(ErrorData::method_not_found::<M>());
    }
    if !call.takes_tasks() {
        let required = ClientCapabilities::builder().enable_tasks().build();
        return Err(ErrorData::missing_required_client_capability(required));
    }
    Ok(())
}

//! One request of a client: who makes it, what the client can do, and what the host has.

use std::collections::BTreeMap;

use axum::extract::FromRef as _;
use http::request::Parts;
use orgata_engine::{Engine, Principal};
use rmcp::model::{ClientCapabilities, ProtocolVersion};
use rmcp::service::{NotificationContext, RequestContext, RoleServer};
use serde_json::Value;

use super::roots::{Roots, View};
use crate::app::App;
use crate::error::{ApiError, internal};
use crate::request_id::X_REQUEST_ID;
use crate::wire::error::{ErrorBody, ErrorView};

/// The revision with which sessions went and tasks came.
const STATELESS: ProtocolVersion = ProtocolVersion::V_2026_07_28;

/// A request on its way to the engine.
pub(super) struct Call {
    /// What the host has.
    pub(super) app: App,
    /// Who asks.
    pub(super) who: Principal,
    /// The request, as the protocol sees it.
    pub(super) context: RequestContext<RoleServer>,
    /// What the client brings back of a call that needed input: from outside, like everything else.
    pub(super) state: Option<String>,
    /// The answers that it brings with it, by question.
    pub(super) answers: BTreeMap<String, Value>,
    /// What the client wants to see.
    roots: Roots,
}

impl Call {
    /// A request that came through the door, which knows who made it.
    pub(super) fn new(
        app: &App,
        roots: &Roots,
        context: RequestContext<RoleServer>,
    ) -> Result<Self, ApiError> {
        let who = principal(&context).ok_or_else(|| internal(&"an MCP request came by no known door"))?;
        Ok(Self {
            app: app.clone(),
            who,
            context,
            state: None,
            answers: BTreeMap::new(),
            roots: roots.clone(),
        })
    }

    /// The same call again, with what was asked.
    pub(super) fn again(self, state: Option<String>, answers: Option<BTreeMap<String, Value>>) -> Self {
        Self { state, answers: answers.unwrap_or_default(), ..self }
    }

    /// The door of the engine.
    pub(super) fn engine(&self) -> Engine {
        Engine::from_ref(&self.app)
    }

    /// Whether the client speaks a revision without sessions.
    pub(super) fn is_stateless(&self) -> bool {
        is_stateless(&self.context)
    }

    /// Whether a result may be a task: both sides must know what that is.
    pub(super) fn takes_tasks(&self) -> bool {
        self.is_stateless() && self.capabilities().is_some_and(|able| able.supports_tasks())
    }

    /// Whether the client can show a person a form.
    pub(super) fn shows_forms(&self) -> bool {
        // Whoever names no mode of elicitation means forms.
        let forms = |able: ClientCapabilities| {
            able.elicitation.is_some_and(|able| able.form.is_some() || able.url.is_none())
        };
        self.capabilities().is_some_and(forms)
    }

    /// What lists are to show.
    pub(super) async fn view(&self) -> View {
        self.roots.view(self).await
    }

    /// Whether the client has roots, and a stream to be asked for them.
    pub(super) fn has_roots(&self) -> bool {
        !self.is_stateless() && self.capabilities().is_some_and(|able| able.roots.is_some())
    }

    /// Whether the client lets the host ask its model while it waits: it says so, and has a stream to be asked by.
    pub(super) fn lends_model(&self) -> bool {
        !self.is_stateless() && self.capabilities().is_some_and(|able| able.sampling.is_some())
    }

    fn capabilities(&self) -> Option<ClientCapabilities> {
        self.context.client_capabilities()
    }

    /// An error in the one shape that errors have everywhere.
    pub(super) fn error(&self, error: &ApiError) -> Value {
        let id = request_id(&self.context);
        serde_json::json!(ErrorBody { error: ErrorView::new(error, id.unwrap_or_default()) })
    }
}

/// Who made this request: the door wrote it down.
pub(super) fn principal(context: &RequestContext<RoleServer>) -> Option<Principal> {
    context.extensions.get::<Parts>()?.extensions.get::<Principal>().cloned()
}

/// Whose session a notification is of.
pub(super) fn owner(context: &NotificationContext<RoleServer>) -> Option<Principal> {
    context.extensions.get::<Parts>()?.extensions.get::<Principal>().cloned()
}

/// Whether this request is of a revision without sessions.
pub(super) fn is_stateless(context: &RequestContext<RoleServer>) -> bool {
    context.protocol_version().is_some_and(|version| version.as_str() >= STATELESS.as_str())
}

fn request_id(context: &RequestContext<RoleServer>) -> Option<&str> {
    context.extensions.get::<Parts>()?.headers.get(X_REQUEST_ID)?.to_str().ok()
}

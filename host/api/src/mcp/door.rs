//! `/mcp`: one endpoint for every revision of the protocol.
//!
//! It comes behind the same front as REST: the checks of `Host` and `Origin`, the limits of bodies and of time, request ids
//! and the one shape of errors are those of every other path, so the library's own checks of the same are off. What is
//! added here: who calls is written down where handlers find it, and a session is its owner's alone.

use std::future::Future;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::any;
use axum::{Router, http};
use bytes::Bytes;
use futures_util::StreamExt as _;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, Method};
use http_body_util::Full;
use orgata_engine::Principal;
use orgata_engine::access::Lapse;
use rmcp::transport::StreamableHttpServerConfig;
use rmcp::transport::streamable_http_server::StreamableHttpService;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use serde::Deserialize;

#[cfg(feature = "conformance")]
use super::fixtures::Fixtures as Served;
#[cfg(not(feature = "conformance"))]
use super::server::Server as Served;
use super::sessions::Sessions;
use crate::app::{App, Caller};
use crate::error::ApiError;
use crate::extract::read_small;

/// Where it is.
pub(crate) const PATH: &str = "/mcp";
/// The header that names a session.
const SESSION: &str = "mcp-session-id";

/// The endpoint over the given host.
pub(crate) fn endpoint(app: &App) -> Router<App> {
    let door = Arc::new(Door::new(app));
    let handler = move |State(app): State<App>, Caller(who): Caller, request: Request| {
        let door = Arc::clone(&door);
        async move { door.take(&app, &who, request).await }
    };
    Router::new().route(PATH, any(handler))
}

struct Door {
    service: StreamableHttpService<Served, LocalSessionManager>,
    sessions: Sessions,
}

impl Door {
    fn new(app: &App) -> Self {
        let settings = &app.settings().mcp;
        let mut manager = LocalSessionManager::default();
        manager.session_config.keep_alive = Some(settings.keep_alive.0);
        let manager = Arc::new(manager);
        let config = StreamableHttpServerConfig::default()
            .disable_allowed_hosts()
            .disable_allowed_origins()
            .with_max_request_body_bytes(app.settings().body_bytes)
            .with_cancellation_token(app.closing().clone());
        let serve = app.clone();
        Self {
            service: StreamableHttpService::new(
                move || Ok(Served::new(serve.clone())),
                Arc::clone(&manager),
                config,
            ),
            sessions: Sessions::new(manager, settings.sessions),
        }
    }

    async fn take(&self, app: &App, who: &Principal, request: Request) -> Result<Response, ApiError> {
        let named = session_of(request.headers()).map(str::to_owned);
        if let Some(session) = &named
            && !self.sessions.belongs(session, who)
        {
            return Err(ApiError::new("SESSION_NOT_FOUND", "there is no such session: initialize a new one"));
        }
        let (mut parts, body) = request.into_parts();
        parts.extensions.insert(who.clone());
        let method = parts.method.clone();
        let body = read_small(Request::from_parts(parts.clone(), body), app).await?;
        if named.is_none()
            && method == Method::POST
            && opens_session(&body)
            && !self.sessions.has_room().await
        {
            let most = app.settings().mcp.sessions;
            let message = format!("{most} MCP sessions are open, as many as may be (api.mcp.sessions)");
            return Err(ApiError::new("OVERLOADED", message));
        }
        let response = self.service.handle(http::Request::from_parts(parts, Full::new(body))).await;
        if let Some(session) = session_of(response.headers()).filter(|_| named.is_none()) {
            self.sessions.bind(session, who, lapse(app, who));
        }
        if let Some(session) = named.filter(|_| method == Method::DELETE && response.status().is_success()) {
            self.sessions.forget(&session);
        }
        Ok(while_believed(app, who, response.map(Body::new)))
    }
}

/// A stream ends with what opened it; an answer that is there already is given whole.
fn while_believed(app: &App, who: &Principal, response: Response) -> Response {
    let kind = response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    if !kind.is_some_and(|kind| kind.starts_with("text/event-stream")) {
        return response;
    }
    let lapse = Box::pin(lapse(app, who));
    response.map(|body| Body::from_stream(body.into_data_stream().take_until(lapse)))
}

/// Done when what somebody proved itself with is no longer good.
fn lapse(app: &App, who: &Principal) -> impl Future<Output = Lapse> + Send + 'static {
    let (engine, who) = (app.engine().clone(), who.clone());
    async move { engine.lapse(&who).await }
}

fn session_of(headers: &HeaderMap) -> Option<&str> {
    headers.get(SESSION)?.to_str().ok()
}

/// Whether a request begins a session.
fn opens_session(body: &Bytes) -> bool {
    #[derive(Deserialize)]
    struct Message {
        method: Option<String>,
    }
    let message = serde_json::from_slice::<Message>(body);
    message.is_ok_and(|message| message.method.as_deref() == Some("initialize"))
}

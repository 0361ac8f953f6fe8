//! `GET /.well-known/oauth-protected-resource`: where callers get tokens (RFC 9728).

use axum::Router;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::json;

use crate::app::App;
use crate::extract::Json;
use crate::mcp;
use crate::peer::Peer;

/// Of the host.
pub(crate) const PATH: &str = "/.well-known/oauth-protected-resource";
/// Of its MCP: the path of the resource stands behind.
pub(crate) const PATH_OF_MCP: &str = "/.well-known/oauth-protected-resource/mcp";

/// Both documents. They are for clients of the protocol, and no part of the OpenAPI document.
pub(crate) fn pages() -> Router<App> {
    Router::new().route(PATH, get(of_host)).route(PATH_OF_MCP, get(of_mcp))
}

async fn of_host(State(app): State<App>, request: Request) -> Response {
    document(&app, &request, "")
}

async fn of_mcp(State(app): State<App>, request: Request) -> Response {
    document(&app, &request, mcp::PATH)
}

fn document(app: &App, request: &Request, path: &str) -> Response {
    let base = app.authenticator().base(request.headers(), request.extensions().get::<Peer>());
    let servers: Vec<&str> = app.authenticator().issuer().into_iter().collect();
    let mut document = json!({
        "resource": format!("{base}{path}"),
        "resource_name": "Orgata",
        "bearer_methods_supported": ["header"],
    });
    if let (false, Some(document)) = (servers.is_empty(), document.as_object_mut()) {
        document.insert("authorization_servers".to_owned(), json!(servers));
    }
    Json(document).into_response()
}

//! Adapters: REST, Server-Sent Events, WebSocket and MCP over the engine, and nothing but adapters.
//!
//! ```text
//! serve  ── one connection ──▶ front ──▶ rest | ws | mcp ──▶ engine::Engine
//!                                          └──── wire ────┘
//! ```
//!
//! `auth` finds out who calls. `wire` holds the JSON types; `rest`, `ws` and `mcp` take requests apart and share nothing but `wire` and what is
//! in this folder. `error` has the one table from codes to statuses. A protocol more is a folder more, merged in
//! [`Api::new`].
//!
//! Not here: rules. What a caller may do, and what follows from it, the engine says.

mod app;
mod auth;
mod caller_check;
mod error;
mod extract;
mod front;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
mod headers;
mod mcp;
mod metering;
mod openapi;
mod peer;
mod query;
mod rate;
mod request_id;
mod rest;
mod serve;
mod settings;
mod tls;
mod unread;
pub mod wire;
mod ws;

use axum::Router;
use orgata_engine::Engine;
use utoipa_axum::router::OpenApiRouter;

pub use app::RenderMetrics;
pub use auth::{
    AlgorithmName, AuthSettings, Authenticator, CertificateSettings, ClaimNames, JwtSettings, KeysSettings,
    OneOrMore, OwnKey, SecretSettings,
};
pub use error::{CODES, Code};
pub use metering::describe_metrics;
pub use openapi::{openapi, openapi_json};
pub use rate::RateSettings;
pub use settings::{McpSettings, Settings, WebSocketSettings};
pub use tls::{ClientCertificates, Tls, TlsError, TlsSettings, fingerprint};

use app::App;
use front::{FrontLayer, Times};

/// Every endpoint, with its description.
fn endpoints() -> OpenApiRouter<App> {
    rest::endpoints().merge(ws::endpoints())
}

/// The adapters over one engine, ready to be served.
pub struct Api {
    app: App,
    router: Router,
    tls: Option<Tls>,
}

impl Api {
    /// Puts the adapters over an engine, and asks nobody who they are. `metrics` writes what `GET /metrics` shows.
    pub fn new(engine: Engine, settings: Settings, metrics: Option<RenderMetrics>) -> Self {
        Self::guarded(engine, settings, Authenticator::default(), metrics)
    }

    /// The same, for callers that the authenticator lets in.
    pub fn guarded(
        engine: Engine,
        settings: Settings,
        authenticator: Authenticator,
        metrics: Option<RenderMetrics>,
    ) -> Self {
        let app = App::new(engine, settings, authenticator, metrics);
        let settings = app.settings();
        let times = Times {
            usual: settings.body_timeout.0 + settings.request_timeout.0,
            // As long again for compiling as for arriving.
            uploads: settings.upload_timeout.0 * 2,
            assistants: settings.body_timeout.0 + settings.request_timeout.0 + settings.mcp.longest_wait.0,
        };
        let (router, _) = endpoints().split_for_parts();
        let router = router
            .merge(rest::pages())
            .merge(auth::metadata::pages())
            .merge(mcp::endpoint(&app))
            .fallback(rest::unknown)
            .method_not_allowed_fallback(rest::wrong_method)
            .layer(FrontLayer { app: app.clone(), times })
            .with_state(app.clone());
        Self { app, router, tls: None }
    }

    /// Takes connections over TLS only.
    #[must_use]
    pub fn secured_by(self, tls: Tls) -> Self {
        Self { tls: Some(tls), ..self }
    }

    /// The router, to be called without a connection.
    pub fn router(&self) -> Router {
        self.router.clone()
    }
}

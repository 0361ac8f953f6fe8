//! What every handler can reach.

use std::sync::Arc;

use axum::extract::{FromRef, FromRequestParts};
use http::request::Parts;
use orgata_engine::{Engine, Principal};
use tokio_util::sync::CancellationToken;

use crate::auth::Authenticator;
use crate::caller_check::CallerCheck;
use crate::error::{ApiError, internal};
use crate::rate::Rates;
use crate::settings::Settings;

/// Writes the host's metrics in the Prometheus text format.
pub type RenderMetrics = Arc<dyn Fn() -> String + Send + Sync>;

/// Shared by all handlers. Cheap to clone.
#[derive(Clone)]
pub(crate) struct App(Arc<Inner>);

struct Inner {
    engine: Engine,
    settings: Settings,
    metrics: Option<RenderMetrics>,
    authenticator: Authenticator,
    caller_check: CallerCheck,
    rates: Rates,
    /// Set when the host stops: streams end.
    closing: CancellationToken,
}

impl App {
    pub(crate) fn new(
        engine: Engine,
        settings: Settings,
        authenticator: Authenticator,
        metrics: Option<RenderMetrics>,
    ) -> Self {
        let caller_check = CallerCheck::new(&settings);
        let rates = Rates::new(&settings.rate);
        let closing = CancellationToken::new();
        Self(Arc::new(Inner { engine, settings, metrics, authenticator, caller_check, rates, closing }))
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.0.engine
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.0.settings
    }

    pub(crate) fn metrics(&self) -> Option<&RenderMetrics> {
        self.0.metrics.as_ref()
    }

    pub(crate) fn authenticator(&self) -> &Authenticator {
        &self.0.authenticator
    }

    pub(crate) fn caller_check(&self) -> &CallerCheck {
        &self.0.caller_check
    }

    pub(crate) fn rates(&self) -> &Rates {
        &self.0.rates
    }

    pub(crate) fn closing(&self) -> &CancellationToken {
        &self.0.closing
    }
}

impl FromRef<App> for Engine {
    fn from_ref(app: &App) -> Self {
        app.0.engine.clone()
    }
}

/// Who makes the request: it was found out in front (`auth`).
pub(crate) struct Caller(pub(crate) Principal);

impl FromRequestParts<App> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, ApiError> {
        let who = parts.extensions.get::<Principal>().cloned();
        who.map(Self).ok_or_else(|| internal(&"a route that is open to everybody asks who calls"))
    }
}

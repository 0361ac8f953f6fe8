//! REST: one endpoint per file, named by its verb, in a folder per area.
//!
//! A handler takes the request apart, asks the engine and converts the answer. An endpoint is registered
//! here, by one line, and so reaches the router and the OpenAPI document together.
//! Not here: what an answer looks like (`wire`), which status an error has (`error`).

mod executions;
mod host;
mod interventions;

use axum::Router;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::front::FrontLayer;

/// The endpoints that are answered within the usual time.
pub(crate) fn endpoints() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(executions::start::start))
        .routes(routes!(executions::get::get))
        .routes(routes!(executions::history::history))
        .routes(routes!(executions::events::events))
        .routes(routes!(interventions::answer::answer))
        .routes(routes!(host::health::health))
        .routes(routes!(host::ready::ready))
}

/// Everything that HTTP can ask, with what happens before and after.
pub(crate) fn router(app: &App) -> Router {
    let settings = app.settings();
    let usual = FrontLayer { app: app.clone(), time: settings.body_timeout.0 + settings.request_timeout.0 };
    let (router, _) = endpoints().split_for_parts();
    router
        .fallback(host::unknown::unknown)
        .method_not_allowed_fallback(host::unknown::wrong_method)
        .layer(usual)
        .with_state(app.clone())
}

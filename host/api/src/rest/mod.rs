//! REST: one endpoint per file, named by its verb, in a folder per area.
//!
//! A handler takes the request apart, asks the engine and converts the answer. An endpoint is registered
//! here, by one line, and so reaches the router and the OpenAPI document together.
//! Not here: what an answer looks like (`wire`), which status an error has (`error`).

mod audit;
mod drafts;
mod executions;
mod host;
mod interventions;
mod keys;
mod operations;
mod outside;
mod playbooks;
mod plugins;
mod roles;
mod runtimes;
mod schedules;
mod secrets;
mod tickets;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;

pub(crate) use host::docs::pages;
pub(crate) use host::unknown::{unknown, wrong_method};

/// Where bodies may be long, and take long to arrive, or what they ask for takes long.
pub(crate) const UPLOAD_PATHS: [&str; 5] = [
    plugins::upload::PATH,
    executions::import::PATH,
    playbooks::simulate::PATH,
    drafts::build::PATH,
    drafts::test::PATH,
];

/// Every endpoint of REST.
pub(crate) fn endpoints() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(runtimes::list::list))
        .routes(routes!(runtimes::create::create))
        .routes(routes!(runtimes::get::get))
        .routes(routes!(runtimes::retire::retire))
        .routes(routes!(executions::start::start))
        .routes(routes!(executions::list::list))
        .routes(routes!(executions::get::get))
        .routes(routes!(executions::state::state))
        .routes(routes!(executions::history::history))
        .routes(routes!(executions::timeline::timeline))
        .routes(routes!(executions::events::events))
        .routes(routes!(executions::steer::pause))
        .routes(routes!(executions::steer::resume))
        .routes(routes!(executions::steer::cancel))
        .routes(routes!(executions::steer::pause_all))
        .routes(routes!(executions::steer::resume_all))
        .routes(routes!(executions::steer::cancel_all))
        .routes(routes!(executions::purge::delete))
        .routes(routes!(executions::purge::purge))
        .routes(routes!(executions::export::export))
        .routes(routes!(executions::import::import))
        .routes(routes!(executions::mend::retry))
        .routes(routes!(executions::mend::skip))
        .routes(routes!(executions::mend::hold))
        .routes(routes!(executions::fork::fork))
        .routes(routes!(outside::send::send))
        .routes(routes!(outside::send_to::send_to))
        .routes(routes!(interventions::pending::pending))
        .routes(routes!(interventions::answer::answer))
        .routes(routes!(interventions::inbox::inbox))
        .routes(routes!(playbooks::list::list))
        .routes(routes!(playbooks::get::get))
        .routes(routes!(playbooks::schema::schema))
        .routes(routes!(playbooks::graph::graph))
        .routes(routes!(playbooks::check::check))
        .routes(routes!(playbooks::simulate::simulate))
        .routes(routes!(playbooks::publish::publish))
        .routes(routes!(playbooks::retire::retire))
        .routes(routes!(schedules::list::list))
        .routes(routes!(roles::get::get))
        .routes(routes!(operations::list::list))
        .routes(routes!(operations::get::get))
        .routes(routes!(operations::get::get_of_plugin))
        .routes(routes!(plugins::list::list))
        .routes(routes!(plugins::upload::upload))
        .routes(routes!(plugins::get::get))
        .routes(routes!(plugins::retire::retire))
        .routes(routes!(plugins::rollback::rollback))
        .routes(routes!(drafts::scaffold::scaffold))
        .routes(routes!(drafts::build::build))
        .routes(routes!(drafts::validate::validate))
        .routes(routes!(drafts::test::test))
        .routes(routes!(drafts::load::load))
        .routes(routes!(keys::create::create))
        .routes(routes!(keys::list::list))
        .routes(routes!(keys::revoke::revoke))
        .routes(routes!(tickets::take::take))
        .routes(routes!(host::health::health))
        .routes(routes!(host::ready::ready))
        .routes(routes!(host::metrics::metrics))
        .routes(routes!(host::openapi::openapi))
        .routes(routes!(audit::list::list))
        .routes(routes!(audit::export::export))
        .routes(routes!(audit::verify::verify))
        .routes(routes!(secrets::list::list))
        .routes(routes!(secrets::set::set))
        .routes(routes!(secrets::remove::remove))
        .routes(routes!(secrets::rotate::rotate))
}

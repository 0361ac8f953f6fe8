//! Resources: everything that has a name, to be read as the wire types say it.
//!
//! Lists come page by page: first what is defined (runtimes, playbooks, roles, operations) in the order of their
//! addresses, then the executions that have not ended, newest first. Executions that have ended are read by address
//! and found by the tool `list_executions`: a list of all that ever ran would have no end.

use orgata_engine::RuntimeInfo;
use orgata_engine::ports::ExecutionQuery;
use orgata_model::execution::Status;
use rmcp::model::{Resource, ResourceContents, ResourceTemplate};
use serde::Serialize;

use super::address::{Address, KINDS};
use super::call::Call;
use super::reply::link;
use super::roots;
use crate::error::{ApiError, internal};
use crate::wire::operation::OperationView;
use crate::wire::role::RoleView;
use crate::wire::runtime::RuntimeDetails;
use crate::wire::state::StateView;

/// Resources on one page.
const PAGE: usize = 100;

/// Some resources, and how to get on.
pub(super) struct Page {
    /// In the order of the list.
    pub(super) items: Vec<Resource>,
    /// Absent when there is no more.
    pub(super) next: Option<String>,
}

/// Where a page begins.
enum Place {
    /// Behind this address of what is defined; at the very beginning without one.
    Defined(Option<String>),
    /// In the list of executions: its own cursor.
    Executions(Option<String>),
}

impl Place {
    fn read(cursor: Option<&str>) -> Result<Self, ApiError> {
        let Some(cursor) = cursor else { return Ok(Self::Defined(None)) };
        match cursor.split_once(' ') {
            Some(("defined", after)) => Ok(Self::Defined(Some(after.to_owned()))),
            Some(("executions", "")) => Ok(Self::Executions(None)),
            Some(("executions", own)) => Ok(Self::Executions(Some(own.to_owned()))),
            _ => Err(ApiError::bad_request("the cursor is not one that a list gave")),
        }
    }

    fn write(&self) -> String {
        match self {
            Self::Defined(after) => format!("defined {}", after.as_deref().unwrap_or_default()),
            Self::Executions(own) => format!("executions {}", own.as_deref().unwrap_or_default()),
        }
    }
}

/// `resources/list`.
pub(super) async fn list(call: &Call, cursor: Option<&str>) -> Result<Page, ApiError> {
    match Place::read(cursor)? {
        Place::Defined(after) => Ok(defined_page(call, after.as_deref()).await),
        Place::Executions(own) => executions_page(call, own).await,
    }
}

async fn defined_page(call: &Call, after: Option<&str>) -> Page {
    let all = defined(call).await;
    let mut rest = all.into_iter().filter(|(uri, _)| after.is_none_or(|after| uri.as_str() > after));
    let page: Vec<_> = rest.by_ref().take(PAGE).collect();
    let next = match (rest.next(), page.last()) {
        (Some(_), Some((last, _))) => Place::Defined(Some(last.clone())),
        _ => Place::Executions(None),
    };
    let items = page.iter().map(|(_, address)| described(call, address)).collect();
    Page { items, next: Some(next.write()) }
}

/// Everything that is defined, in order.
async fn defined(call: &Call) -> Vec<(String, Address)> {
    let runtimes = roots::runtimes(call).await;
    let mut all: Vec<_> =
        runtimes.into_iter().flat_map(addresses).map(|address| (address.to_string(), address)).collect();
    all.sort();
    all
}

fn addresses(info: RuntimeInfo) -> Vec<Address> {
    let RuntimeInfo { runtime, playbooks, roles, operations } = info;
    let id = || runtime.id.clone();
    let playbooks = playbooks.into_iter().map(|name| Address::Playbook(id(), name));
    let roles = roles.into_iter().map(|name| Address::Role(id(), name));
    let operations = operations.into_iter().map(|name| Address::Operation(id(), name));
    std::iter::once(Address::Runtime(id())).chain(playbooks).chain(roles).chain(operations).collect()
}

fn described(call: &Call, address: &Address) -> Resource {
    let engine = call.engine();
    let about = match address {
        Address::Playbook(runtime, name) => {
            engine.playbook(&call.who, runtime, name).ok().and_then(|playbook| playbook.description.clone())
        }
        Address::Operation(runtime, name) => {
            let operation = engine.operation(&call.who, runtime, &name.to_string());
            operation.ok().map(|operation| operation.description.clone())
        }
        Address::Runtime(runtime) => {
            engine.runtime(&call.who, runtime).ok().and_then(|info| info.runtime.description)
        }
        Address::Role(..) | Address::Execution(_) => None,
    };
    let resource = link(address);
    about.into_iter().fold(resource, Resource::with_description)
}

async fn executions_page(call: &Call, cursor: Option<String>) -> Result<Page, ApiError> {
    let statuses = Status::ALL.into_iter().filter(|status| !status.is_end()).collect();
    let runtimes = roots::only(call).await;
    let query = ExecutionQuery { runtimes, statuses, cursor, limit: PAGE, ..ExecutionQuery::default() };
    let page = call.engine().executions(&call.who, &query).await?;
    let item = |summary: &orgata_model::execution::Summary| {
        let about = format!("{} in {}: {}", summary.playbook.name, summary.runtime, summary.status.as_str());
        link(&Address::Execution(summary.id)).with_description(about)
    };
    let next = page.next.map(|own| Place::Executions(Some(own)).write());
    Ok(Page { items: page.items.iter().map(item).collect(), next })
}

/// `resources/templates/list`.
pub(super) fn templates() -> Vec<ResourceTemplate> {
    let template = |kind: &super::address::Kind| {
        ResourceTemplate::new(kind.template, kind.name)
            .with_title(kind.title)
            .with_description(kind.about)
            .with_mime_type(kind.media_type)
    };
    KINDS.iter().map(template).collect()
}

/// `resources/read`.
pub(super) async fn read(call: &Call, uri: &str) -> Result<ResourceContents, ApiError> {
    let address: Address = uri.parse().map_err(|why: String| ApiError::new("ROUTE_NOT_FOUND", why))?;
    let text = text_of(call, &address).await?;
    Ok(ResourceContents::text(text, uri).with_mime_type(address.kind().media_type))
}

/// What a resource says.
pub(super) async fn text_of(call: &Call, address: &Address) -> Result<String, ApiError> {
    let (engine, who) = (call.engine(), &call.who);
    match address {
        Address::Runtime(id) => written(&RuntimeDetails::from(engine.runtime(who, id)?)),
        Address::Playbook(id, name) => Ok(engine.playbook(who, id, name)?.source.to_string()),
        Address::Role(id, name) => written(&RoleView::from(engine.role(who, id, name)?)),
        Address::Operation(id, name) => {
            written(&OperationView::from(&*engine.operation(who, id, &name.to_string())?))
        }
        Address::Execution(id) => written(&StateView::from(&engine.state(who, *id).await?)),
    }
}

fn written<T: Serialize>(value: &T) -> Result<String, ApiError> {
    serde_json::to_string(value).map_err(|error| internal(&error))
}

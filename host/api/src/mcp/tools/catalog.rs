//! `list_runtimes`, `list_playbooks`, `list_operations`: what there is to work with.

use orgata_model::RuntimeId;
use serde::Deserialize;
use utoipa::ToSchema;

use super::super::address::Address;
use super::super::call::Call;
use super::super::reply::Reply;
use super::super::roots;
use super::{Effect, Tool};
use crate::error::ApiError;
use crate::wire::operation::OperationView;
use crate::wire::page::PageView;
use crate::wire::playbook::PlaybookSummary;
use crate::wire::runtime::RuntimeView;

/// No arguments.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::mcp) struct Nothing {}

/// A runtime.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(in crate::mcp) struct InRuntime {
    /// The runtime, as `list_runtimes` names it.
    #[schema(value_type = String, example = "kitchen-v1")]
    pub(super) runtime_id: RuntimeId,
}

/// See the module.
pub(super) struct ListRuntimes;

impl Tool for ListRuntimes {
    const NAME: &'static str = "list_runtimes";
    const TITLE: &'static str = "List runtimes";
    const ABOUT: &'static str = "Lists the runtimes of this host, each with the names of its playbooks (workflows), roles \
        and operations. Begin here: most other tools want a `runtimeId`.";
    const EFFECT: Effect = Effect::Looks;
    type Input = Nothing;
    type Output = PageView<RuntimeView>;

    async fn call(call: &Call, _: Nothing) -> Result<Reply, ApiError> {
        let runtimes = roots::runtimes(call).await;
        Reply::of(&PageView::whole(runtimes.into_iter().map(RuntimeView::from).collect()))
    }
}

/// See the module.
pub(super) struct ListPlaybooks;

impl Tool for ListPlaybooks {
    const NAME: &'static str = "list_playbooks";
    const TITLE: &'static str = "List playbooks";
    const ABOUT: &'static str = "Lists the playbooks of a runtime in their current versions: what each is for, its roles and \
        its steps. The linked resources have each playbook's YAML, with the JSON Schema of its input under `input`.";
    const EFFECT: Effect = Effect::Looks;
    type Input = InRuntime;
    type Output = PageView<PlaybookSummary<'static>>;

    async fn call(call: &Call, InRuntime { runtime_id }: InRuntime) -> Result<Reply, ApiError> {
        let mut playbooks = call.engine().playbooks(&call.who, &runtime_id)?;
        if !roots::tells_of(call, &runtime_id).await {
            playbooks.clear();
        }
        let items = playbooks.iter().map(|playbook| PlaybookSummary::from(&**playbook)).collect();
        let reply = Reply::of(&PageView::whole(items))?;
        let address = |name| Address::Playbook(runtime_id.clone(), name);
        Ok(playbooks.iter().fold(reply, |reply, playbook| reply.linked(address(playbook.name.clone()))))
    }
}

/// See the module.
pub(super) struct ListOperations;

impl Tool for ListOperations {
    const NAME: &'static str = "list_operations";
    const TITLE: &'static str = "List operations";
    const ABOUT: &'static str = "Lists the operations that playbooks of a runtime may use as steps: what each does, the JSON \
        Schemas of its input and output, examples, and whether it computes (`pure`), sees the outside (`observing`) or may \
        change it (`effectful`).";
    const EFFECT: Effect = Effect::Looks;
    type Input = InRuntime;
    type Output = PageView<OperationView<'static>>;

    async fn call(call: &Call, InRuntime { runtime_id }: InRuntime) -> Result<Reply, ApiError> {
        let mut operations = call.engine().operations(&call.who, &runtime_id)?;
        if !roots::tells_of(call, &runtime_id).await {
            operations.clear();
        }
        let items = operations.iter().map(|operation| OperationView::from(&**operation)).collect();
        Reply::of(&PageView::whole(items))
    }
}

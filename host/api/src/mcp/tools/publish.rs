//! `check_playbook`, `publish_playbook`.

use orgata_model::RuntimeId;
use serde::Deserialize;
use utoipa::ToSchema;

use super::super::address::Address;
use super::super::call::Call;
use super::super::reply::Reply;
use super::{Effect, Tool};
use crate::error::ApiError;
use crate::wire::playbook::PlaybookDetails;

/// What mistakes are told to be in.
const FILE: &str = "playbook.yaml";

/// A playbook, and where it is to run.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(in crate::mcp) struct Source {
    /// The runtime whose operations and roles it uses.
    #[schema(value_type = String)]
    runtime_id: RuntimeId,
    /// The playbook's YAML.
    #[schema(example = "name: hello\nsteps:\n  - name: greet\n    operation: text/greet\n")]
    source: String,
}

/// See the module.
pub(super) struct CheckPlaybook;

impl Tool for CheckPlaybook {
    const NAME: &'static str = "check_playbook";
    const TITLE: &'static str = "Check a playbook";
    const ABOUT: &'static str = "Checks a playbook's YAML as publishing would, against the operations, roles and grants of a \
        runtime, and keeps nothing. Mistakes are told all at once, in an error `PLAYBOOK_INVALID`: `details.report` shows each \
        with its line and what to do. Check before `publish_playbook`.";
    const EFFECT: Effect = Effect::Looks;
    type Input = Source;
    type Output = PlaybookDetails<'static>;

    async fn call(call: &Call, Source { runtime_id, source }: Source) -> Result<Reply, ApiError> {
        let playbook = call.engine().check_playbook(&call.who, &runtime_id, FILE, &source)?;
        Reply::of(&PlaybookDetails::from(&playbook))
    }
}

/// See the module.
pub(super) struct PublishPlaybook;

impl Tool for PublishPlaybook {
    const NAME: &'static str = "publish_playbook";
    const TITLE: &'static str = "Publish a playbook";
    const ABOUT: &'static str = "Publishes a playbook's YAML as the current version of the name that it gives itself. New \
        executions start on it; those that have started keep theirs. The same source again changes nothing. Mistakes are told \
        all at once, in an error `PLAYBOOK_INVALID`.";
    const EFFECT: Effect = Effect::ReplacesOnce;
    type Input = Source;
    type Output = PlaybookDetails<'static>;

    async fn call(call: &Call, Source { runtime_id, source }: Source) -> Result<Reply, ApiError> {
        let playbook = call.engine().publish_playbook(&call.who, &runtime_id, None, FILE, source).await?;
        let address = Address::Playbook(runtime_id, playbook.name.clone());
        Ok(Reply::of(&PlaybookDetails::from(&*playbook))?.linked(address))
    }
}

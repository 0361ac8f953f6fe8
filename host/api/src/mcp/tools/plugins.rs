//! `list_plugins`, `list_grants`, `rollback_plugin`. Confirming what a plugin may reach is for people: there is no tool.

use orgata_model::{Digest, PluginName};
use serde::Deserialize;
use utoipa::ToSchema;

use super::super::call::Call;
use super::super::reply::Reply;
use super::catalog::{InRuntime, Nothing};
use super::{Effect, Tool};
use crate::error::ApiError;
use crate::wire::grant::PluginGrantsView;
use crate::wire::page::PageView;
use crate::wire::plugin::{PluginEntryView, PluginView};

/// Which plugin, and to which version.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(in crate::mcp) struct Back {
    /// The plugin's name.
    #[schema(value_type = String)]
    plugin_name: PluginName,
    /// The version; absent: the one before the present.
    #[schema(value_type = Option<String>)]
    digest: Option<Digest>,
}

/// See the module.
pub(super) struct ListPlugins;

impl Tool for ListPlugins {
    const NAME: &'static str = "list_plugins";
    const TITLE: &'static str = "List plugins";
    const ABOUT: &'static str = "Lists every version of every plugin (WebAssembly component) that the host knows: its operations, \
        what it imports and so may reach, and whether it is `current`, `earlier` (kept for rollback) or `retired`.";
    const EFFECT: Effect = Effect::Looks;
    type Input = Nothing;
    type Output = PageView<PluginEntryView<'static>>;

    async fn call(call: &Call, _: Nothing) -> Result<Reply, ApiError> {
        let plugins = call.engine().plugins(&call.who)?;
        Reply::of(&PageView::whole(plugins.iter().map(PluginEntryView::from).collect()))
    }
}

/// See the module.
pub(super) struct ListGrants;

impl Tool for ListGrants {
    const NAME: &'static str = "list_grants";
    const TITLE: &'static str = "List what plugins may reach";
    const ABOUT: &'static str = "Lists what each plugin wants in a runtime (`network`, `secrets`, `kv`, `model`), what it is granted, \
        what it really reached since the host started, which version new executions get (`confirmed`), which waits for a person to \
        confirm it with what it wants beyond that (`pending`), and whether somebody took what was granted (`revoked`). People \
        confirm and revoke, with `orgata plugin confirm` and `orgata plugin revoke`.";
    const EFFECT: Effect = Effect::Looks;
    type Input = InRuntime;
    type Output = PageView<PluginGrantsView>;

    async fn call(call: &Call, InRuntime { runtime_id }: InRuntime) -> Result<Reply, ApiError> {
        let grants = call.engine().grants(&call.who, &runtime_id)?;
        Reply::of(&PageView::whole(grants.into_iter().map(PluginGrantsView::from).collect()))
    }
}

/// See the module.
pub(super) struct RollbackPlugin;

impl Tool for RollbackPlugin {
    const NAME: &'static str = "rollback_plugin";
    const TITLE: &'static str = "Go back to an earlier version of a plugin";
    const ABOUT: &'static str = "Makes an earlier version of a plugin current again: the one with `digest`, or the one before the \
        present. New executions start on it; those that have started keep theirs.";
    const EFFECT: Effect = Effect::Replaces;
    type Input = Back;
    type Output = PluginView<'static>;

    async fn call(call: &Call, Back { plugin_name, digest }: Back) -> Result<Reply, ApiError> {
        let plugin = call.engine().rollback_plugin(&call.who, &plugin_name, digest).await?;
        Reply::of(&PluginView::from(&*plugin))
    }
}

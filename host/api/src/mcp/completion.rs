//! Completion: what a variable of a template or an argument of a prompt can be.

use orgata_engine::ports::ExecutionQuery;
use orgata_model::RuntimeId;
use rmcp::model::{CompleteRequestParams, CompletionInfo, Reference};

use super::address::KINDS;
use super::call::Call;
use super::{prompts, roots};
use crate::error::ApiError;

/// Executions that are offered: the newest.
const RECENT: usize = 200;

/// `completion/complete`: what begins with the text so far, in order.
pub(super) async fn complete(
    call: &Call,
    request: &CompleteRequestParams,
) -> Result<CompletionInfo, ApiError> {
    let known = match &request.r#ref {
        Reference::Resource(template) => {
            let kind = KINDS.iter().find(|kind| kind.template == template.uri);
            kind.is_some_and(|kind| kind.template.contains(&format!("{{{}}}", request.argument.name)))
        }
        Reference::Prompt(prompt) => prompts::takes(&prompt.name, &request.argument.name),
        _ => false,
    };
    if !known {
        let name: String = request.argument.name.chars().take(60).collect();
        return Err(ApiError::bad_request(format!("there is nothing here that takes `{name}`")));
    }
    let so_far = &request.argument.value;
    let mut values = values(call, request).await?;
    values.retain(|value| value.starts_with(so_far.as_str()));
    values.sort();
    values.dedup();
    let total = u32::try_from(values.len()).ok();
    let more = values.len() > CompletionInfo::MAX_VALUES;
    values.truncate(CompletionInfo::MAX_VALUES);
    CompletionInfo::with_pagination(values, total, more).map_err(ApiError::bad_request)
}

/// Everything that an argument of this name can be, as far as one page tells.
async fn values(call: &Call, request: &CompleteRequestParams) -> Result<Vec<String>, ApiError> {
    let engine = call.engine();
    let seen = roots::runtimes(call).await;
    let runtimes = || seen.iter().filter(|info| chosen(request, &info.runtime.id));
    Ok(match request.argument.name.as_str() {
        "runtime" => seen.iter().map(|info| info.runtime.id.to_string()).collect(),
        "playbook" => runtimes().flat_map(|info| &info.playbooks).map(|name| name.to_string()).collect(),
        "role" => runtimes().flat_map(|info| &info.roles).map(|name| name.to_string()).collect(),
        "operation" => runtimes().flat_map(|info| &info.operations).map(|name| name.to_string()).collect(),
        "execution" => {
            let runtimes = roots::only(call).await;
            let query = ExecutionQuery { runtimes, limit: RECENT, ..ExecutionQuery::default() };
            let page = engine.executions(&call.who, &query).await?;
            page.items.iter().map(|summary| summary.id.to_string()).collect()
        }
        "language" => prompts::LANGUAGES.map(str::to_owned).to_vec(),
        "effect" => prompts::EFFECTS.map(str::to_owned).to_vec(),
        _ => Vec::new(),
    })
}

/// Whether names of this runtime are wanted: those of the one that was chosen before, or of all.
fn chosen(request: &CompleteRequestParams, runtime: &RuntimeId) -> bool {
    let before = request.context.as_ref().and_then(|context| context.arguments.as_ref());
    before.and_then(|before| before.get("runtime")).is_none_or(|chosen| chosen == runtime.as_str())
}

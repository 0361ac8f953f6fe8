//! Which executions: the filter that lists and bulk requests share.

use jiff::Timestamp;
use orgata_engine::ports::ExecutionQuery;
use orgata_model::execution::Status;
use utoipa::IntoParams;

use crate::error::ApiError;
use crate::query::{MOST, Pairs};
use crate::wire::execution::StatusView;

/// Which executions.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(
    dead_code,
    reason = "only its description is used; the values are read straight into the engine's query"
)]
pub(super) struct Filter {
    /// Only of this runtime.
    runtime: Option<String>,
    /// Only of this playbook.
    playbook: Option<String>,
    /// Only of these statuses: several with commas, or by repeating it.
    #[param(style = Form, explode = false)]
    status: Option<Vec<StatusView>>,
    /// Only started at or after this time (RFC 3339).
    #[param(format = DateTime)]
    since: Option<String>,
    /// Only started before this time (RFC 3339).
    #[param(format = DateTime)]
    until: Option<String>,
    /// Only with this label, written `key:value`.
    #[param(example = "customer:1042")]
    label: Option<String>,
    /// The `nextCursor` of the page before.
    cursor: Option<String>,
}

/// Reads the filter, with the place to go on from and the size of a page.
pub(super) fn read(query: &mut Pairs<'_>, usual: usize) -> Result<ExecutionQuery, ApiError> {
    let mut statuses = Vec::new();
    for word in query.all("status").iter().flat_map(|value| value.split(',')) {
        statuses.push(status(word.trim())?);
    }
    Ok(ExecutionQuery {
        runtimes: None,
        runtime: query.one("runtime")?,
        playbook: query.one("playbook")?,
        statuses,
        since: query.one::<Timestamp>("since")?,
        until: query.one::<Timestamp>("until")?,
        label: query.one_with("label", label)?,
        ended_before: None,
        cursor: query.one("cursor")?,
        limit: query.limit(usual, MOST)?,
    })
}

fn status(word: &str) -> Result<Status, ApiError> {
    Status::parse(word).ok_or_else(|| {
        let words = Status::ALL.map(Status::as_str).join(", ");
        let word: String = word.chars().take(40).collect();
        ApiError::bad_request(format!(
            "query parameter `status`: there is no status `{word}`; there are: {words}"
        ))
    })
}

fn label(text: &str) -> Result<(String, String), &'static str> {
    let (key, value) = text.split_once(':').ok_or("a label is written key:value")?;
    Ok((key.to_owned(), value.to_owned()))
}

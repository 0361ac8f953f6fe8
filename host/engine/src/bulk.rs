//! Doors: one deed done to every execution that a filter finds.
//!
//! Each execution is dealt with by itself, by the same door that deals with one, and says by itself what came of it;
//! reason and actor stand in each history. A page is bounded and gives a cursor, so however many are found, one call
//! costs the same; a caller that went away in the middle asks again with the same filter.

use orgata_model::execution::Status;
use orgata_model::{ExecutionId, RuntimeId};
use tokio::task::JoinSet;
use tracing::info;

use crate::access::{Place, Rule, Subject, rules};
use crate::engine::Engine;
use crate::error::{EngineError, Thing};
use crate::executions::Control;
use crate::ports::{ExecutionQuery, Found};
use crate::principal::Principal;
use crate::retention::AWAITED;

/// How many are steered at once: enough to share commits.
const AT_ONCE: usize = 32;

/// What is done to each.
#[derive(Debug, Clone, PartialEq)]
pub enum Deed {
    /// It is steered.
    Control(Control),
    /// It is deleted, if it has ended.
    Purge,
}

/// What to do, and to which executions.
#[derive(Debug, Clone)]
pub struct BulkRequest {
    /// Which: at least one filter must be given. Without statuses, those on which the deed does something.
    pub query: ExecutionQuery,
    /// What.
    pub deed: Deed,
    /// Why; kept in the history of each that is steered.
    pub reason: Option<String>,
    /// Only say what would be done.
    pub dry_run: bool,
}

/// What came of it, for a page of executions.
#[derive(Debug)]
pub struct Bulk {
    /// Newest first.
    pub items: Vec<Dealt>,
    /// Present when the filter finds more: the place to go on.
    pub next: Option<String>,
}

/// What came of it for one execution.
#[derive(Debug)]
pub struct Dealt {
    /// Which.
    pub execution: ExecutionId,
    /// Where it stands now; of one that is gone, where it stood.
    pub status: Status,
    /// Why nothing was done to it, or, in a dry run, would be.
    pub refusal: Option<EngineError>,
}

impl Deed {
    /// Why it does nothing to an execution that stands there.
    fn refusal(&self, status: Status) -> Option<EngineError> {
        match self {
            Self::Purge if status.is_end() => None,
            Self::Purge => Some(EngineError::Unchanged(NOT_ENDED)),
            // Only what failed can go on after its end.
            Self::Control(Control::Retry { .. } | Control::Skip { .. }) if status == Status::Failed => None,
            Self::Control(Control::Retry { .. }) if !status.is_end() => {
                Some(EngineError::Unchanged("the execution has not failed"))
            }
            Self::Control(_) if status.is_end() => Some(EngineError::Ended(status)),
            Self::Control(Control::Pause) if status == Status::Paused => {
                Some(EngineError::Unchanged("the execution is paused already"))
            }
            Self::Control(Control::Resume) if status != Status::Paused => {
                Some(EngineError::Unchanged("the execution is not paused"))
            }
            Self::Control(_) => None,
        }
    }
}

/// What is said of an execution that cannot be deleted.
pub(crate) const NOT_ENDED: &str = "the execution has not ended: cancel it first";

impl Engine {
    /// Does one thing to a page of the executions that a filter finds.
    pub async fn bulk(&self, who: &Principal, request: BulkRequest) -> Result<Bulk, EngineError> {
        let rule = match request.deed {
            Deed::Control(_) => &rules::CONTROL,
            Deed::Purge => &rules::PURGE,
        };
        let subject = Subject { thing: Thing::Execution, name: "*" };
        let Some(query) = self.bulk_query(who, rule, &request.query)? else {
            return Ok(Bulk { items: Vec::new(), next: None });
        };
        self.0.recorded(who, rule, subject, None, self.dealt(who, BulkRequest { query, ..request })).await
    }

    /// What is meant, as far as the caller may have it done. A runtime that is named must be one of those.
    fn bulk_query(
        &self,
        who: &Principal,
        rule: &'static Rule,
        query: &ExecutionQuery,
    ) -> Result<Option<ExecutionQuery>, EngineError> {
        let name = query.runtime.as_ref().map_or("*", RuntimeId::as_str);
        let subject = Subject { thing: Thing::Runtime, name };
        match &query.runtime {
            Some(runtime) if self.0.enter(who, runtime).is_ok() => {
                self.0.permit(who, rule, self.0.place_of_runtime(runtime), subject)?;
            }
            Some(_) => {}
            None if self.0.within(who, rule).is_some_and(|allowed| allowed.is_empty()) => {
                self.0.permit(who, rule, Place::Anywhere, subject)?;
            }
            None => {}
        }
        Ok(self.0.narrowed(who, rule, query))
    }

    async fn dealt(&self, who: &Principal, request: BulkRequest) -> Result<Bulk, EngineError> {
        let BulkRequest { mut query, deed, reason, dry_run } = request;
        if !is_narrow(&query) {
            let message = "say which executions: a bulk request takes a runtime, a playbook, a status, a label or a time";
            return Err(EngineError::BadRequest(message.to_owned()));
        }
        if query.statuses.is_empty() {
            query.statuses =
                Status::ALL.into_iter().filter(|status| deed.refusal(*status).is_none()).collect();
        }
        let page = self.0.store.find(&query).await?;
        let items = match deed {
            _ if dry_run => page.items.into_iter().map(|found| would(&deed, found)).collect(),
            Deed::Control(ref control) => self.steer(who, page.items, control, reason).await,
            Deed::Purge => self.delete(page.items).await?,
        };
        let done = items.iter().filter(|item| item.refusal.is_none()).count();
        info!(?deed, done, refused = items.len() - done, dry_run, by = who.name(), "bulk request");
        Ok(Bulk { items, next: page.next })
    }

    async fn steer(
        &self,
        who: &Principal,
        found: Vec<Found>,
        control: &Control,
        reason: Option<String>,
    ) -> Vec<Dealt> {
        let mut dealt = Vec::with_capacity(found.len());
        for some in found.chunks(AT_ONCE) {
            let mut work = JoinSet::new();
            for (place, found) in some.iter().copied().enumerate() {
                let (engine, who, reason, control) =
                    (self.clone(), who.clone(), reason.clone(), control.clone());
                work.spawn(async move {
                    let steered = engine.control(&who, found.id, control, reason).await;
                    let (status, refusal) = match steered {
                        Ok(summary) => (summary.status, None),
                        Err(EngineError::Ended(status)) => (status, Some(EngineError::Ended(status))),
                        Err(error) => (found.status, Some(error)),
                    };
                    (place, Dealt { execution: found.id, status, refusal })
                });
            }
            // In the order of the list, whoever was done first.
            let mut done = work.join_all().await;
            done.sort_by_key(|(place, _)| *place);
            dealt.extend(done.into_iter().map(|(_, dealt)| dealt));
        }
        dealt
    }

    async fn delete(&self, found: Vec<Found>) -> Result<Vec<Dealt>, EngineError> {
        let ended: Vec<_> =
            found.iter().filter(|found| found.status.is_end()).map(|found| found.id).collect();
        let gone = self.purge_these(&ended).await?;
        let mut dealt = Vec::with_capacity(found.len());
        for found in found {
            let mut one = would(&Deed::Purge, found);
            let stays = one.refusal.is_none() && !gone.contains(&found.id);
            if stays && self.0.store.execution(found.id).await?.is_some() {
                one.refusal = Some(EngineError::Unchanged(AWAITED));
            }
            dealt.push(one);
        }
        Ok(dealt)
    }
}

fn would(deed: &Deed, found: Found) -> Dealt {
    Dealt { execution: found.id, status: found.status, refusal: deed.refusal(found.status) }
}

/// Whether it says which executions: nobody should end all of them by leaving something out.
fn is_narrow(query: &ExecutionQuery) -> bool {
    let ExecutionQuery {
        runtime,
        // What the caller may see says nothing of what it means.
        runtimes: _,
        playbook,
        statuses,
        since,
        until,
        label,
        ended_before,
        cursor: _,
        limit: _,
    } = query;
    runtime.is_some()
        || playbook.is_some()
        || !statuses.is_empty()
        || label.is_some()
        || since.or(*until).or(*ended_before).is_some()
}

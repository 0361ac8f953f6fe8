//! One deed to all executions that a filter finds.

use orgata_engine::ports::ExecutionQuery;
use orgata_engine::{Bulk, BulkRequest, Control, Deed, EngineError};
use orgata_model::ExecutionId;
use orgata_model::execution::{Fact, Status};
use serde_json::json;

use crate::support::host::{ada, runtime};
use crate::support::{TestHost, within};

const ASKS: &str = "name: story\nsteps:\n  - { name: ask, intervention: { prompt: Well? } }\n";

/// Three that wait, one that was paused, one that was cancelled.
async fn standing() -> (TestHost, Vec<ExecutionId>) {
    let host = TestHost::new().await;
    host.publish(ASKS).await;
    let mut ids = Vec::new();
    for _ in 0..5 {
        let id = host.start(json!({})).await;
        host.until_status(id, Status::Waiting).await;
        ids.push(id);
    }
    host.control(ids[3], Control::Pause).await.unwrap();
    host.control(ids[4], Control::Cancel { compensate: true }).await.unwrap();
    (host, ids)
}

fn query() -> ExecutionQuery {
    ExecutionQuery { runtime: Some(runtime()), limit: 100, ..ExecutionQuery::default() }
}

async fn bulk(
    host: &TestHost,
    query: ExecutionQuery,
    deed: Deed,
    dry_run: bool,
) -> Result<Bulk, EngineError> {
    let reason = Some("the kitchen is closed".to_owned());
    within(host.engine.bulk(&ada(), BulkRequest { query, deed, reason, dry_run })).await
}

fn outcomes(bulk: &Bulk) -> Vec<(ExecutionId, Status, Option<&'static str>)> {
    bulk.items
        .iter()
        .map(|item| (item.execution, item.status, item.refusal.as_ref().map(EngineError::code)))
        .collect()
}

#[tokio::test]
async fn without_a_status_it_is_done_where_it_does_something_and_reason_and_actor_are_kept() {
    let (host, ids) = standing().await;
    let done = bulk(&host, query(), Deed::Control(Control::Pause), false).await.unwrap();
    let expected: Vec<_> = [2, 1, 0].map(|at| (ids[at], Status::Paused, None)).to_vec();
    assert_eq!(outcomes(&done), expected, "newest first");
    for id in &ids[..3] {
        let last = host.history(*id).pop().unwrap();
        assert_eq!(&*last.actor, "ada");
        assert_eq!(last.fact, Fact::ExecutionPaused { reason: Some("the kitchen is closed".to_owned()) });
    }
    let done = bulk(&host, query(), Deed::Control(Control::Resume), false).await.unwrap();
    assert_eq!(done.items.len(), 4);
    let done =
        bulk(&host, query(), Deed::Control(Control::Cancel { compensate: true }), false).await.unwrap();
    assert_eq!(done.items.len(), 4);
    assert!(ids.iter().all(|id| host.status(*id) == Some(Status::Cancelled)));
}

#[tokio::test]
async fn what_was_asked_for_by_status_and_cannot_be_done_is_told_one_by_one() {
    let (host, ids) = standing().await;
    let all = ExecutionQuery { statuses: Status::ALL.to_vec(), ..query() };
    let expected = [
        (ids[4], Status::Cancelled, Some("EXECUTION_ENDED")),
        (ids[3], Status::Paused, Some("STATE_CONFLICT")),
        (ids[2], Status::Paused, None),
        (ids[1], Status::Paused, None),
        (ids[0], Status::Paused, None),
    ];
    // A dry run foretells what then comes of it, but for where they stand afterwards; and leaves no trace.
    let told = bulk(&host, all.clone(), Deed::Control(Control::Pause), true).await.unwrap();
    let refusals = |told: &[(ExecutionId, Status, Option<&'static str>)]| -> Vec<_> {
        told.iter().map(|(id, _, refusal)| (*id, *refusal)).collect()
    };
    assert_eq!(refusals(&outcomes(&told)), refusals(&expected));
    assert_eq!(host.status(ids[0]), Some(Status::Waiting));
    let done = bulk(&host, all, Deed::Control(Control::Pause), false).await.unwrap();
    assert_eq!(outcomes(&done), expected);
}

#[tokio::test]
async fn only_what_has_ended_is_purged() {
    let (host, ids) = standing().await;
    let told = bulk(&host, query(), Deed::Purge, true).await.unwrap();
    assert_eq!(outcomes(&told), [(ids[4], Status::Cancelled, None)]);
    assert_eq!(host.store.ids().len(), 5);
    let all = ExecutionQuery { statuses: Status::ALL.to_vec(), ..query() };
    let done = bulk(&host, all, Deed::Purge, false).await.unwrap();
    assert_eq!(done.items.iter().filter(|item| item.refusal.is_some()).count(), 4);
    let mut left = host.store.ids();
    left.sort();
    assert_eq!(left, ids[..4]);
}

#[tokio::test]
async fn nothing_is_done_to_everything_by_leaving_something_out() {
    let (host, ids) = standing().await;
    let wide = ExecutionQuery { limit: 100, ..ExecutionQuery::default() };
    for deed in [Deed::Purge, Deed::Control(Control::Cancel { compensate: true })] {
        let refused = bulk(&host, wide.clone(), deed, false).await.unwrap_err();
        assert!(matches!(refused, EngineError::BadRequest(_)), "{refused}");
    }
    assert_eq!(host.status(ids[0]), Some(Status::Waiting));
}

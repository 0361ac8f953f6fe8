//! Wakes executions when their time has come: the next attempt, a question's deadline, their own.
//!
//! Waiting executions live in the store alone; the timekeeper asks it for the earliest and sleeps until
//! then, or until a commit brings an earlier one. Executions that have a driver look after themselves.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use jiff::Timestamp;
use orgata_model::ExecutionId;
use tracing::error;

use crate::driver;
use crate::host::Host;
use crate::ports::StoreError;

/// Executions that are woken at a time.
const PAGE: usize = 1_000;
/// Sleeps no longer than this: the machine's clock may be set.
const LONGEST: Duration = Duration::from_secs(60);

pub(crate) async fn run(host: Arc<Host>) {
    loop {
        let now = host.clock.now();
        // Whoever leaves memory while the store is read puts its time here.
        host.next_look.store(i64::MAX, Ordering::SeqCst);
        let next = match wake_due(&host, now).await {
            Ok(next) => next.unwrap_or(now + LONGEST).min(now + LONGEST),
            Err(error) => {
                error!(%error, "due executions cannot be read; trying again");
                now + Duration::from_secs(1)
            }
        };
        // Whoever left memory meanwhile has put its own time there, if it is earlier.
        let told = host.next_look.fetch_min(next.as_microsecond(), Ordering::SeqCst);
        let next = Timestamp::from_microsecond(told).map_or(next, |told| told.min(next));
        tokio::select! {
            biased;
            () = host.clock.sleep_until(next) => {}
            () = host.look_earlier.notified() => {}
            () = host.stopping.cancelled() => return,
        }
    }
}

/// Wakes those whose time has come; when the next one's does.
pub(crate) async fn wake_due(host: &Arc<Host>, now: Timestamp) -> Result<Option<Timestamp>, StoreError> {
    let mut after: Option<(Timestamp, ExecutionId)> = None;
    loop {
        let page = host.store.due(now, after, PAGE).await?;
        for (_, id) in &page {
            if !driver::wake(host, *id, host.priority_of(*id).await).await {
                return Ok(None);
            }
        }
        match page.last() {
            Some(last) if page.len() == PAGE => after = Some(*last),
            _ => return host.store.next_due(now).await,
        }
    }
}

impl Host {
    /// Told of every execution that leaves memory with a time to wake at.
    pub(crate) fn expect_wake(&self, at: Timestamp) {
        let at = at.as_microsecond();
        let next = self.next_look.fetch_min(at, Ordering::SeqCst);
        // While it looks it needs no bell: it takes the earliest time from there before it sleeps.
        if at < next && next != i64::MAX {
            self.look_earlier.notify_one();
        }
    }
}

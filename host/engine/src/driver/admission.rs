//! Whether an execution may begin: as many with its key as may be could be at work.
//!
//! One that may not leaves memory, and is woken when one before it has ended (`keys::pass_on`), or when the host
//! starts. A caller that waits for it keeps it in memory.

use std::sync::Arc;

use orgata_model::playbook::{KEY_LABEL, Strategy};
use tokio::sync::oneshot;

use crate::executions::Control;
use crate::keys;

use super::commit::Stop;
use super::{Command, Driver, deliver};

/// Most that one execution cancels to make room for itself at a time.
const MOST: usize = 2_000;

impl Driver {
    /// Asks the store, which knows in which order they came. One that may not begin gives its place to others.
    pub(super) async fn may_begin(&mut self) -> Result<bool, Stop> {
        let playbook = Arc::clone(&self.state.playbook);
        let (Some(concurrency), Some(key)) = (&playbook.concurrency, self.state.labels.get(KEY_LABEL)) else {
            self.admitted = true;
            return Ok(true);
        };
        let key = key.clone();
        // It comes into the order with its first commit.
        self.commit().await?;
        let cancels = concurrency.strategy == Strategy::CancelOldest;
        let limit = if cancels { MOST } else { concurrency.max };
        let (store, runtime) = (Arc::clone(&self.host.store), self.state.runtime.clone());
        // Whoever woke it does not do so again.
        let order = self.patiently(|| async { Ok(store.with_key(&runtime, &key, limit).await?) }).await?;
        let before = order.iter().position(|id| *id == self.state.id);
        self.admitted = before.is_some_and(|before| before < concurrency.max);
        if self.admitted {
            return Ok(true);
        }
        self.place = None;
        if cancels {
            let many = before.unwrap_or(order.len()) + 1;
            for id in order.into_iter().take(many.saturating_sub(concurrency.max)) {
                // Whether it has ended meanwhile or is being undone already is told by its end.
                let (reply, _) = oneshot::channel();
                let reason = Some(format!("{} came with the same concurrency key", self.state.id));
                let who = Arc::clone(&self.state.started_by);
                let control = Control::Cancel { compensate: true };
                let _ = deliver(&self.host, id, Command::Control { control, reason, who, reply });
            }
        }
        Ok(false)
    }

    /// It has ended: the next with its key may begin.
    pub(super) fn make_room(&mut self) {
        let max = self.state.playbook.concurrency.as_ref().map(|concurrency| concurrency.max);
        if let (Some(max), Some(key)) = (max, self.state.labels.get(KEY_LABEL)) {
            keys::pass_on(&self.host, &self.state.runtime, key, self.state.id, max);
            // Should it go on after its end, it comes anew.
            self.admitted = false;
        }
    }
}

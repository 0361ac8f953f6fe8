//! How many executions with the same key are at work at once.
//!
//! The store keeps, of each key, the executions that have not ended, in the order in which they came. An execution may
//! be at work when it is among the first `max` of them: nothing else is kept, here or elsewhere. Its place only ever
//! moves forward, so one that has begun need not be looked at again; and after a crash the same ones may be at work.
//!
//! Not here: where a driver waits for it (`driver::admission`).

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use orgata_model::playbook::{Concurrency, Playbook, Strategy};
use orgata_model::{ExecutionId, RuntimeId};
use serde_json::Value;
use tracing::warn;

use crate::driver::{self, Command};
use crate::error::EngineError;
use crate::host::Host;

/// When the store refuses to say who is next, it is asked again after this.
const AGAIN: Duration = Duration::from_secs(1);

/// The key of an execution with this input.
pub(crate) fn key_of(
    concurrency: &Concurrency,
    playbook: &Playbook,
    input: &Arc<Value>,
) -> Result<String, EngineError> {
    concurrency
        .key_for(&playbook.name, input)
        .map_err(|error| EngineError::BadRequest(format!("the concurrency key cannot be computed: {error}")))
}

/// Whether one more may come, where the playbook says that it is refused otherwise. Of two that come at the same
/// moment both may; then one waits for the other.
pub(crate) async fn check_room(
    host: &Host,
    playbook: &Playbook,
    runtime: &RuntimeId,
    input: &Arc<Value>,
) -> Result<(), EngineError> {
    let Some(concurrency) = &playbook.concurrency else { return Ok(()) };
    if concurrency.strategy != Strategy::Reject {
        return Ok(());
    }
    let (key, max) = (key_of(concurrency, playbook, input)?, concurrency.max);
    if host.store.with_key(runtime, &key, max).await?.len() < max {
        return Ok(());
    }
    Err(EngineError::KeyTaken { key, max })
}

/// One with this key has ended: those that are at the front now look whether they may begin. `most`: how many of its
/// own playbook might.
pub(crate) fn pass_on(host: &Arc<Host>, runtime: &RuntimeId, key: &str, ended: ExecutionId, most: usize) {
    let (host, runtime, key) = (Arc::clone(host), runtime.clone(), key.to_owned());
    tokio::spawn(async move {
        let most = most.max(most_of_any(&host, &runtime));
        loop {
            match host.store.with_key(&runtime, &key, most).await {
                Ok(front) => {
                    for id in front.into_iter().filter(|id| *id != ended) {
                        // When the host stops, the next start wakes them.
                        let _ = driver::deliver(&host, id, Command::Wake);
                    }
                    return;
                }
                Err(error) => warn!(%error, key, "who is next with this key cannot be read; trying again"),
            }
            let later = host.clock.now() + AGAIN;
            tokio::select! {
                () = host.clock.sleep_until(later) => {}
                () = host.stopping.cancelled() => return,
            }
        }
    });
}

/// The largest `max` of the runtime: an earlier or later version of the playbook may have had another.
fn most_of_any(host: &Host, runtime: &RuntimeId) -> usize {
    let Ok(entry) = host.runtime(runtime) else { return 1 };
    let playbooks = entry.playbooks.read().unwrap_or_else(PoisonError::into_inner);
    let each = playbooks.values().filter_map(|playbook| playbook.concurrency.as_ref());
    each.map(|concurrency| concurrency.max).max().unwrap_or(1)
}

//! How long executions are kept after their end, and who deletes them then.
//!
//! The engine decides what is to go: a playbook may say for how long its executions are kept, a runtime for how long
//! those of its other playbooks are, and the host for how long all others are. The store deletes it, little by little,
//! and never anything that has not ended. What somebody may still ask for stays: a parent that goes on, or a schedule, would
//! start it once more.
//!
//! Times are not written into executions: who shortens the retention because the disk is full is heard at once, and
//! of a playbook the current version tells.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use orgata_model::execution::{Fact, Status};
use orgata_model::retention::Retention;
use orgata_model::{ExecutionId, PlaybookName, RuntimeId};
use tracing::{error, info};

use crate::access::{Subject, rules};
use crate::bulk::NOT_ENDED;
use crate::engine::Engine;
use crate::error::{EngineError, Thing};
use crate::host::Host;
use crate::ports::ExecutionQuery;
use crate::principal::Principal;

/// Why an execution is not deleted that has ended.
pub(crate) const AWAITED: &str =
    "whoever started the execution may still ask for it: it can be deleted once its parent has ended";
/// Executions that are looked up at a time.
const PAGE: usize = 512;
/// A tenth of the shortest retention goes by between two looks; within these bounds.
const LEAST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_mins(10);

/// The rules as they are now: one for most, those of single runtimes, and those of playbooks.
struct Rules {
    usual: Retention,
    by_runtime: BTreeMap<RuntimeId, Retention>,
    by_playbook: BTreeMap<(RuntimeId, PlaybookName), Retention>,
}

impl Rules {
    fn of(host: &Host) -> Self {
        let runtimes = host.runtimes.read().unwrap_or_else(PoisonError::into_inner);
        let mut by_playbook = BTreeMap::new();
        for (runtime, entry) in runtimes.iter() {
            let playbooks = entry.playbooks.read().unwrap_or_else(PoisonError::into_inner);
            for (name, playbook) in playbooks.iter() {
                let own = playbook.retention.map(|own| ((runtime.clone(), name.clone()), own));
                by_playbook.extend(own);
            }
        }
        let settings = &host.settings;
        Self { usual: settings.retention, by_runtime: settings.retention_by_runtime.clone(), by_playbook }
    }

    fn of_playbook(&self, home: &(RuntimeId, PlaybookName)) -> Retention {
        let own = self.by_playbook.get(home).or_else(|| self.by_runtime.get(&home.0));
        own.copied().unwrap_or(self.usual)
    }

    /// How long to pause between two looks; nothing when everything is kept.
    fn pause(&self) -> Option<Duration> {
        let all = self.by_runtime.values().chain(self.by_playbook.values()).chain([&self.usual]);
        let shortest = all.filter_map(|retention| retention.time()).min()?;
        Some((shortest / 10).clamp(LEAST_PAUSE, LONGEST_PAUSE))
    }
}

/// Deletes what has been kept for long enough, again and again until the host stops.
pub(crate) async fn run(engine: Engine) {
    let host = Arc::clone(&engine.0);
    loop {
        let changed = host.rules_changed.notified();
        let rules = Rules::of(&host);
        let pause = rules.pause();
        if pause.is_some() {
            match engine.purge_expired(&rules).await {
                Ok(0) => {}
                Ok(count) => info!(count, "executions were deleted: their retention is over"),
                Err(error) => error!(%error, "old executions cannot be deleted; trying again later"),
            }
        }
        let paused = async {
            match pause {
                Some(pause) => host.clock.sleep_until(host.clock.now() + pause).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = paused => {}
            () = changed => {}
            () = host.stopping.cancelled() => return,
        }
    }
}

impl Engine {
    async fn purge_expired(&self, rules: &Rules) -> Result<usize, EngineError> {
        let mut count = 0;
        // Retired runtimes and playbooks too: their executions are still there.
        for home in self.0.store.homes().await? {
            let time = rules.of_playbook(&home).time();
            let before = time.and_then(|time| self.0.clock.now().checked_sub(time).ok());
            if let Some(before) = before {
                count += self.purge_ended_before(home, before).await?;
            }
        }
        Ok(count)
    }

    async fn purge_ended_before(
        &self,
        (runtime, playbook): (RuntimeId, PlaybookName),
        before: Timestamp,
    ) -> Result<usize, EngineError> {
        let mut query = ExecutionQuery {
            runtime: Some(runtime),
            playbook: Some(playbook),
            statuses: Status::ALL.into_iter().filter(|status| status.is_end()).collect(),
            ended_before: Some(before),
            limit: PAGE,
            ..ExecutionQuery::default()
        };
        let mut count = 0;
        while !self.0.stopping.is_cancelled() {
            let page = self.0.store.find(&query).await?;
            let ids: Vec<_> = page.items.iter().map(|found| found.id).collect();
            count += self.purge_these(&ids).await?.len();
            query.cursor = page.next;
            if query.cursor.is_none() {
                break;
            }
        }
        Ok(count)
    }

    /// Deletes those of these that have ended, and lets go of plugin files that nothing needs any more.
    pub(crate) async fn purge_these(&self, ids: &[ExecutionId]) -> Result<Vec<ExecutionId>, EngineError> {
        let mut free = Vec::with_capacity(ids.len());
        for id in ids {
            if !self.is_awaited(*id).await? {
                free.push(*id);
            }
        }
        if free.is_empty() {
            return Ok(free);
        }
        let gone = self.0.store.purge(&free).await?;
        metrics::counter!("orgata_executions_purged_total").increment(gone.len() as u64);
        if !gone.is_empty() {
            self.forget_old_files().await?;
        }
        Ok(gone)
    }

    /// Whether somebody will ask what became of an execution that has ended, and start it once more if nobody knows.
    async fn is_awaited(&self, id: ExecutionId) -> Result<bool, EngineError> {
        let first = self.0.store.events(id, 0, 1).await?.pop();
        let Some(Fact::ExecutionStarted { runtime, playbook, labels, parent, .. }) =
            first.map(|event| event.fact)
        else {
            return Ok(false);
        };
        if let Some(parent) = parent {
            let parent = self.0.store.execution(parent.execution).await?;
            return Ok(parent.is_some_and(|parent| !parent.summary.status.is_end()));
        }
        Ok(self.0.schedules.may_start_again(&runtime, &playbook.name, &labels).await)
    }

    /// Deletes an execution that has ended, with its history. Its idempotency key may be used again.
    pub async fn purge(&self, who: &Principal, id: ExecutionId) -> Result<(), EngineError> {
        let place = self.0.place_of(who, id).await?;
        let work = async {
            if !self.stored(id).await?.summary.status.is_end() {
                return Err(EngineError::Unchanged(NOT_ENDED));
            }
            if self.is_awaited(id).await? {
                return Err(EngineError::Unchanged(AWAITED));
            }
            if self.purge_these(&[id]).await?.is_empty() {
                return Err(EngineError::not_found(Thing::Execution, id));
            }
            info!(execution = %id, by = who.name(), "execution deleted");
            Ok(())
        };
        let name = id.to_string();
        let subject = Subject { thing: Thing::Execution, name: &name };
        self.0.guarded(who, &rules::PURGE, place, subject, work).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rule_that_says_most_holds_and_nothing_is_looked_for_when_everything_is_kept() {
        let mut rules =
            Rules { usual: Retention::Forever, by_runtime: BTreeMap::new(), by_playbook: BTreeMap::new() };
        assert_eq!(rules.pause(), None);
        let home = |runtime: &str, playbook: &str| -> (RuntimeId, PlaybookName) {
            (runtime.parse().unwrap(), playbook.parse().unwrap())
        };
        let (bread, cake) = (home("bakery", "bread"), home("bakery", "cake"));
        rules.by_runtime.insert(bread.0.clone(), Retention::For(Duration::from_mins(10)));
        assert_eq!(rules.pause(), Some(Duration::from_mins(1)));
        assert_eq!(rules.of_playbook(&home("kitchen", "bread")), Retention::Forever);
        rules.by_playbook.insert(bread.clone(), Retention::For(Duration::from_millis(1)));
        assert_eq!(rules.pause(), Some(LEAST_PAUSE));
        assert_eq!(rules.of_playbook(&bread), Retention::For(Duration::from_millis(1)));
        assert_eq!(rules.of_playbook(&cake), Retention::For(Duration::from_mins(10)));
        rules.by_playbook.insert(bread.clone(), Retention::Forever);
        assert_eq!(rules.of_playbook(&bread), Retention::Forever);
    }
}

//! How long executions are kept after their end, and who deletes them then.
//!
//! The engine decides what is to go, by a rule for each runtime; the store deletes it, little by little, and never
//! anything that has not ended. A rule for a playbook would be one more filter of the same query.
//!
//! Times are not written into executions: who shortens the retention because the disk is full is heard at once.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use orgata_model::duration::{self, DurationText};
use orgata_model::execution::Status;
use orgata_model::{ExecutionId, RuntimeId};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use tracing::{error, info};

use crate::bulk::NOT_ENDED;
use crate::engine::Engine;
use crate::error::{EngineError, Thing};
use crate::host::Host;
use crate::ports::ExecutionQuery;
use crate::principal::Principal;

/// Executions that are looked up at a time.
const PAGE: usize = 512;
/// A tenth of the shortest retention goes by between two looks; within these bounds.
const LEAST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_mins(10);

/// The word for [`Retention::Forever`].
const FOREVER: &str = "forever";

/// How long executions are kept after their end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Retention {
    /// Until somebody deletes them.
    #[default]
    Forever,
    /// So long.
    For(Duration),
}

impl Retention {
    /// Nothing, or a time that is longer than nothing: `0s` would delete what nobody had a chance to see.
    pub(crate) fn is_sensible(self) -> bool {
        self != Self::For(Duration::ZERO)
    }

    fn time(self) -> Option<Duration> {
        match self {
            Self::Forever => None,
            Self::For(time) => Some(time),
        }
    }
}

impl fmt::Display for Retention {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Forever => f.write_str(FOREVER),
            Self::For(time) => f.write_str(&duration::format(*time)),
        }
    }
}

impl Serialize for Retention {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Retention {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged, expecting = "expected `forever`, or a duration such as 12h or 30d")]
        enum Text {
            Time(DurationText),
            Word(Word),
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "lowercase")]
        enum Word {
            Forever,
        }
        Ok(match Text::deserialize(from)? {
            Text::Time(time) => Self::For(time.0),
            Text::Word(Word::Forever) => Self::Forever,
        })
    }
}

/// The rules: one for most, and those of single runtimes.
struct Rules {
    usual: Retention,
    by_runtime: BTreeMap<RuntimeId, Retention>,
}

impl Rules {
    fn of(host: &Host) -> Self {
        let settings = &host.settings;
        Self { usual: settings.retention, by_runtime: settings.retention_by_runtime.clone() }
    }

    fn for_runtime(&self, runtime: &RuntimeId) -> Retention {
        self.by_runtime.get(runtime).copied().unwrap_or(self.usual)
    }

    /// How long to pause between two looks; nothing when everything is kept.
    fn pause(&self) -> Option<Duration> {
        let all = self.by_runtime.values().copied().chain([self.usual]);
        let shortest = all.filter_map(Retention::time).min()?;
        Some((shortest / 10).clamp(LEAST_PAUSE, LONGEST_PAUSE))
    }
}

/// Deletes what has been kept for long enough, again and again until the host stops.
pub(crate) async fn run(engine: Engine) {
    let host = Arc::clone(&engine.0);
    let rules = Rules::of(&host);
    let Some(pause) = rules.pause() else { return };
    loop {
        match engine.purge_expired(&rules).await {
            Ok(0) => {}
            Ok(count) => info!(count, "executions were deleted: their retention is over"),
            Err(error) => error!(%error, "old executions cannot be deleted; trying again later"),
        }
        let next = host.clock.now() + pause;
        tokio::select! {
            biased;
            () = host.clock.sleep_until(next) => {}
            () = host.stopping.cancelled() => return,
        }
    }
}

impl Engine {
    async fn purge_expired(&self, rules: &Rules) -> Result<usize, EngineError> {
        let mut count = 0;
        // Retired runtimes too: their executions are still there.
        for runtime in self.0.store.homes().await? {
            let time = rules.for_runtime(&runtime).time();
            let before = time.and_then(|time| self.0.clock.now().checked_sub(time).ok());
            if let Some(before) = before {
                count += self.purge_ended_before(runtime, before).await?;
            }
        }
        Ok(count)
    }

    async fn purge_ended_before(&self, runtime: RuntimeId, before: Timestamp) -> Result<usize, EngineError> {
        let mut query = ExecutionQuery {
            runtime: Some(runtime),
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
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let gone = self.0.store.purge(ids).await?;
        metrics::counter!("orgata_executions_purged_total").increment(gone.len() as u64);
        if !gone.is_empty() {
            self.forget_old_files().await?;
        }
        Ok(gone)
    }

    /// Deletes an execution that has ended, with its history. Its idempotency key may be used again.
    pub async fn purge(&self, who: &Principal, id: ExecutionId) -> Result<(), EngineError> {
        if !self.stored(id).await?.summary.status.is_end() {
            return Err(EngineError::Unchanged(NOT_ENDED));
        }
        if self.purge_these(&[id]).await?.is_empty() {
            return Err(EngineError::not_found(Thing::Execution, id));
        }
        info!(execution = %id, by = who.name(), "execution deleted");
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_retention_is_a_time_or_forever() {
        let read = |text: &str| serde_json::from_str::<Retention>(text);
        assert_eq!(read("\"forever\"").unwrap(), Retention::Forever);
        assert_eq!(read("\"30d\"").unwrap(), Retention::For(Duration::from_hours(720)));
        for wrong in ["\"never\"", "\"\"", "null", "\"30 days\""] {
            let told = read(wrong).unwrap_err().to_string();
            assert!(told.contains("`forever`, or a duration such as"), "{wrong}: {told}");
        }
        assert_eq!(serde_json::to_string(&Retention::For(Duration::from_hours(48))).unwrap(), "\"2d\"");
        assert_eq!(serde_json::to_string(&Retention::default()).unwrap(), "\"forever\"");
    }

    #[test]
    fn nothing_is_looked_for_when_everything_is_kept() {
        let mut rules = Rules { usual: Retention::Forever, by_runtime: BTreeMap::new() };
        assert_eq!(rules.pause(), None);
        let (kitchen, bakery): (RuntimeId, RuntimeId) =
            ("kitchen".parse().unwrap(), "bakery".parse().unwrap());
        rules.by_runtime.insert(kitchen.clone(), Retention::For(Duration::from_mins(10)));
        assert_eq!(rules.pause(), Some(Duration::from_mins(1)));
        assert_eq!(rules.for_runtime(&bakery), Retention::Forever);
        rules.usual = Retention::For(Duration::from_millis(1));
        rules.by_runtime.insert(kitchen.clone(), Retention::Forever);
        assert_eq!((rules.for_runtime(&kitchen), rules.pause()), (Retention::Forever, Some(LEAST_PAUSE)));
    }
}

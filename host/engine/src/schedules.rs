//! Starts playbooks whose time has come.
//!
//! Each schedule has a mark in the store: up to when its due times are dealt with, and which of them are queued. A run
//! is started with the due time as its idempotency key, and then the mark moves on. So a due time is dealt with
//! once, wherever the host dies: what it finds again after that was started already.
//!
//! The scheduler looks at the playbooks that are current when it looks: publishing and retiring take effect at once.
//! Not here: which times a schedule is due at (`model::playbook::Schedule`).

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use orgata_model::execution::{Status, Summary};
use orgata_model::playbook::{Missed, Overlap, Playbook, Schedule};
use orgata_model::{ExecutionId, PlaybookName, RuntimeId};
use tokio::sync::{Mutex, Notify};
use tracing::{error, warn};

use crate::access::rules;
use crate::driver::{self, Command};
use crate::engine::Engine;
use crate::error::EngineError;
use crate::host::{Host, RuntimeEntry};
use crate::ports::{ExecutionQuery, ScheduleMark, StoreError};
use crate::principal::Principal;
use crate::starting::{self, Beginning};

/// The actor of what schedules start.
const ACTOR: &str = "schedule";
/// The label of what a schedule started: the name of its playbook.
const LABEL: &str = "schedule";
/// The label that says for which due time.
const DUE: &str = "scheduledFor";
/// A due time that is noticed within this is not missed. No schedule is due more often.
const ON_TIME: Duration = Duration::from_secs(60);
/// Most due times of one schedule that are made up for, or queued. The newest count.
const MOST: usize = 1_000;
/// How many times of a calendar are looked at before others may work.
const TURN: usize = 256;
/// When the store refuses, the scheduler looks again after this.
const AGAIN: Duration = Duration::from_secs(1);

type Marks = BTreeMap<(RuntimeId, PlaybookName), ScheduleMark>;

/// What the scheduler knows.
#[derive(Default)]
pub(crate) struct Schedules {
    /// As the store has them. Held while a schedule is dealt with, or changed.
    marks: Mutex<Marks>,
    changed: Notify,
}

impl Schedules {
    /// Something changed that a schedule may wait for.
    pub(crate) fn look_again(&self) {
        self.changed.notify_one();
    }

    /// An execution with these labels has ended.
    pub(crate) fn ended(&self, labels: &BTreeMap<String, String>) {
        if labels.contains_key(LABEL) {
            self.look_again();
        }
    }
}

impl Schedules {
    /// Whether the run with these labels is one that its schedule has not written down as started.
    pub(crate) async fn may_start_again(
        &self,
        runtime: &RuntimeId,
        playbook: &PlaybookName,
        labels: &BTreeMap<String, String>,
    ) -> bool {
        let due = labels.get(DUE).filter(|_| labels.contains_key(LABEL));
        let Some(due) = due.and_then(|due| due.parse::<Timestamp>().ok()) else { return false };
        let marks = self.marks.lock().await;
        let mark = marks.get(&(runtime.clone(), playbook.clone()));
        mark.is_some_and(|mark| due > mark.seen || mark.queued.contains(&due))
    }
}

/// A schedule of a runtime, and where it stands.
#[derive(Debug, Clone)]
pub struct ScheduleInfo {
    /// The playbook that it starts.
    pub playbook: Arc<Playbook>,
    /// When it is due next.
    pub next: Option<Timestamp>,
    /// What it started last, as long as that is kept.
    pub last: Option<Summary>,
    /// Due times whose runs wait for earlier ones to end.
    pub queued: Vec<Timestamp>,
}

impl ScheduleInfo {
    /// What its playbook says.
    pub fn schedule(&self) -> Option<&Schedule> {
        self.playbook.schedule.as_ref()
    }
}

/// Reads how far schedules were dealt with before the host started.
pub(crate) async fn recall(host: &Host) -> Result<(), EngineError> {
    let marks = host.store.schedules().await?.into_iter();
    *host.schedules.marks.lock().await =
        marks.map(|mark| ((mark.runtime.clone(), mark.playbook.clone()), mark)).collect();
    Ok(())
}

/// Before a version of a playbook is published: a schedule that is new, or due at other times than before, begins now.
pub(crate) async fn prepare(
    host: &Host,
    entry: &RuntimeEntry,
    playbook: &Playbook,
) -> Result<(), EngineError> {
    let Some(schedule) = &playbook.schedule else { return Ok(()) };
    let current = entry.playbook(&playbook.name).ok();
    let before = current.as_ref().and_then(|current| current.schedule.as_ref());
    if before.is_some_and(|before| before.is_due_like(schedule)) {
        return Ok(());
    }
    let mut marks = host.schedules.marks.lock().await;
    keep(host, &mut marks, fresh(host, &entry.runtime.id, &playbook.name)).await?;
    Ok(())
}

fn fresh(host: &Host, runtime: &RuntimeId, playbook: &PlaybookName) -> ScheduleMark {
    let seen = host.clock.now();
    ScheduleMark { runtime: runtime.clone(), playbook: playbook.clone(), seen, queued: Vec::new() }
}

async fn keep(host: &Host, marks: &mut Marks, mark: ScheduleMark) -> Result<(), StoreError> {
    host.store.put_schedule(&mark).await?;
    marks.insert((mark.runtime.clone(), mark.playbook.clone()), mark);
    Ok(())
}

/// Starts what is due, again and again until the host stops.
pub(crate) async fn run(host: Arc<Host>) {
    loop {
        let next = look(&host).await;
        let sleep = async {
            match next {
                Some(next) => host.clock.sleep_until(next).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = sleep => {}
            () = host.schedules.changed.notified() => {}
            () = host.stopping.cancelled() => return,
        }
    }
}

/// Deals with every schedule, and says when to look next.
async fn look(host: &Arc<Host>) -> Option<Timestamp> {
    let entries: Vec<_> =
        host.runtimes.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect();
    let mut next: Option<Timestamp> = None;
    for entry in entries {
        for playbook in scheduled(&entry) {
            if host.stopping.is_cancelled() {
                return None;
            }
            let at = match deal_with(host, &entry, &playbook.name).await {
                Ok(at) => at,
                Err(error) => {
                    error!(runtime = %entry.runtime.id, playbook = %playbook.name, %error, "a schedule waits");
                    host.clock.now().checked_add(AGAIN).ok()
                }
            };
            next = next.into_iter().chain(at).min();
        }
    }
    next
}

fn scheduled(entry: &RuntimeEntry) -> Vec<Arc<Playbook>> {
    let playbooks = entry.playbooks.read().unwrap_or_else(PoisonError::into_inner);
    playbooks.values().filter(|playbook| playbook.schedule.is_some()).cloned().collect()
}

/// Starts what is due of one schedule, and says when it is due next.
async fn deal_with(
    host: &Arc<Host>,
    entry: &RuntimeEntry,
    name: &PlaybookName,
) -> Result<Option<Timestamp>, EngineError> {
    let mut marks = host.schedules.marks.lock().await;
    // As it is now: it may have changed while others were dealt with.
    let Ok(playbook) = entry.playbook(name) else { return Ok(None) };
    let Some(schedule) = &playbook.schedule else { return Ok(None) };
    let runtime = &entry.runtime.id;
    let mut mark = match marks.get(&(runtime.clone(), name.clone())) {
        Some(mark) => mark.clone(),
        None => {
            let mark = fresh(host, runtime, name);
            keep(host, &mut marks, mark.clone()).await?;
            mark
        }
    };
    let now = host.clock.now();
    let due = due_between(schedule, mark.seen, now).await;
    if let Some(last) = due.last().copied() {
        let runs = pick(schedule.missed, &due, now);
        count_many("missed", due.len() - runs.len());
        if schedule.overlap == Overlap::Queue {
            mark.queued.extend(runs);
            let over = mark.queued.len().saturating_sub(MOST);
            if over > 0 {
                warn!(%runtime, playbook = %name, over, "too many runs of a schedule wait: the oldest are left out");
                mark.queued.drain(..over);
            }
        } else {
            for at in runs {
                if schedule.overlap == Overlap::Skip && is_at_work(host, runtime, name).await? {
                    count("skipped");
                } else {
                    start(host, runtime, &playbook, schedule, at).await?;
                }
            }
        }
        mark.seen = last;
        keep(host, &mut marks, mark.clone()).await?;
    }
    while let Some(at) = mark.queued.first().copied() {
        if is_at_work(host, runtime, name).await? {
            break;
        }
        start(host, runtime, &playbook, schedule, at).await?;
        mark.queued.remove(0);
        keep(host, &mut marks, mark.clone()).await?;
    }
    Ok(schedule.next_after(mark.seen.max(now)))
}

/// Due times with `after < time <= until`, the newest [`MOST`] of them.
async fn due_between(schedule: &Schedule, after: Timestamp, until: Timestamp) -> Vec<Timestamp> {
    let mut due = VecDeque::new();
    let (mut at, mut looked) = (after, 0);
    while let Some(next) = schedule.next_after(at).filter(|next| *next <= until) {
        due.push_back(next);
        if due.len() > MOST {
            due.pop_front();
        }
        at = next;
        looked += 1;
        if looked % TURN == 0 {
            tokio::task::yield_now().await;
        }
    }
    due.into()
}

/// Which of these due times get a run. All but the last are missed, and that one too when it is long past.
fn pick(missed: Missed, due: &[Timestamp], now: Timestamp) -> Vec<Timestamp> {
    let last = due.last().copied();
    let on_time = |at: &Timestamp| Duration::try_from(now.duration_since(*at)).unwrap_or_default() < ON_TIME;
    match missed {
        Missed::Skip => last.filter(on_time).into_iter().collect(),
        Missed::Once => last.into_iter().collect(),
        Missed::All => due.to_vec(),
    }
}

/// Whether something that this schedule started has not ended.
async fn is_at_work(host: &Host, runtime: &RuntimeId, playbook: &PlaybookName) -> Result<bool, EngineError> {
    let query = ExecutionQuery {
        statuses: Status::ALL.into_iter().filter(|status| !status.is_end()).collect(),
        ..started_by(runtime, playbook)
    };
    Ok(!host.store.find(&query).await?.items.is_empty())
}

fn started_by(runtime: &RuntimeId, playbook: &PlaybookName) -> ExecutionQuery {
    ExecutionQuery {
        runtime: Some(runtime.clone()),
        playbook: Some(playbook.clone()),
        label: Some((LABEL.to_owned(), playbook.to_string())),
        limit: 1,
        ..ExecutionQuery::default()
    }
}

/// Starts the run of a due time, if it was not started before. One that is refused is left out.
async fn start(
    host: &Arc<Host>,
    runtime: &RuntimeId,
    playbook: &Playbook,
    schedule: &Schedule,
    at: Timestamp,
) -> Result<(), EngineError> {
    let labels = [(LABEL.to_owned(), playbook.name.to_string()), (DUE.to_owned(), at.to_string())];
    let beginning = Beginning {
        runtime: runtime.clone(),
        playbook: playbook.name.clone(),
        input: Arc::clone(&schedule.input),
        actor: Arc::from(ACTOR),
        labels: labels.into(),
        parent: None,
    };
    let id = ExecutionId::new(host.clock.fresh_id());
    let key = format!("{ACTOR}/{}/{at}", playbook.name);
    match starting::make(host, id, beginning, Some(key)).await {
        Ok(()) => {
            count("started");
            // When the host stops, the next start wakes it.
            let _ = driver::deliver(host, id, Command::Wake);
            Ok(())
        }
        // Before the host died.
        Err(EngineError::Store(StoreError::Conflict)) => Ok(()),
        Err(error @ EngineError::Store(_)) => Err(error),
        Err(error) => {
            count("refused");
            warn!(%runtime, playbook = %playbook.name, due = %at, %error, "a run of a schedule is left out");
            Ok(())
        }
    }
}

fn count(outcome: &'static str) {
    count_many(outcome, 1);
}

fn count_many(outcome: &'static str, many: usize) {
    metrics::counter!("orgata_schedule_runs_total", "outcome" => outcome).increment(many as u64);
}

impl Engine {
    /// The schedules of a runtime, by playbook.
    pub async fn schedules(
        &self,
        who: &Principal,
        runtime: &RuntimeId,
    ) -> Result<Vec<ScheduleInfo>, EngineError> {
        let host = &self.0;
        let entry = host.look_into(who, &rules::PLAYBOOKS, runtime)?;
        let sees_executions = host.may_in(who, &rules::LOOK, entry.runtime.environment);
        let now = host.clock.now();
        let mut infos = Vec::new();
        for playbook in scheduled(&entry) {
            let key = (runtime.clone(), playbook.name.clone());
            let mark = host.schedules.marks.lock().await.get(&key).cloned();
            let last = match sees_executions {
                true => host.store.executions(&started_by(runtime, &playbook.name)).await?.items.pop(),
                false => None,
            };
            let next = playbook.schedule.as_ref().and_then(|schedule| schedule.next_after(now));
            let queued = mark.map(|mark| mark.queued).unwrap_or_default();
            infos.push(ScheduleInfo { playbook, next, last, queued });
        }
        Ok(infos)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_missed_is_picked_as_its_rule_says() {
        let time = |text: &str| text.parse::<Timestamp>().unwrap();
        let (first, last) = (time("2026-03-01T08:00:00Z"), time("2026-03-01T09:00:00Z"));
        let (soon, late) = (time("2026-03-01T09:00:59Z"), time("2026-03-01T09:01:00Z"));
        for (missed, soon_picked, late_picked) in [
            (Missed::Skip, vec![last], vec![]),
            (Missed::Once, vec![last], vec![last]),
            (Missed::All, vec![first, last], vec![first, last]),
        ] {
            assert_eq!(pick(missed, &[first, last], soon), soon_picked, "{missed:?}");
            assert_eq!(pick(missed, &[first, last], late), late_picked, "{missed:?}");
        }
    }
}

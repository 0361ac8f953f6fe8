//! Playing a simulation: whenever nothing is to do, what is due happens, and then time moves on to the next moment.
//!
//! The order is always the same: calls that really run, answers, outside events, time. So is every simulation.

use std::collections::VecDeque;
use std::sync::Arc;

use jiff::Timestamp;
use orgata_model::playbook::scenario::Happening;
use orgata_model::{ExecutionId, RuntimeId};

use crate::engine::Engine;
use crate::error::EngineError;
use crate::executions::StartRequest;
use crate::ports::{Clock as _, PendingIntervention};
use crate::principal::{Principal, PrincipalKind};
use crate::timekeeper;

use super::limits::{LONGEST, MAX_BYTES, MAX_EVENTS};
use super::operations::Stage;
use super::people::{Coming, People, place};
use super::report::Problem;

/// Whoever starts a simulation, and sends events, unless the scenario says who.
const STARTER: &str = "simulation";

/// A simulation while it is played.
pub(super) struct Play {
    engine: Engine,
    stage: Arc<Stage>,
    runtime: RuntimeId,
    who: Principal,
    people: People,
    /// What happens outside, and when; the earliest first.
    happenings: VecDeque<(Timestamp, Happening)>,
    horizon: Timestamp,
    pub(super) problems: Vec<Problem>,
    pub(super) notes: Vec<String>,
}

impl Play {
    pub(super) fn new(engine: Engine, stage: Arc<Stage>, runtime: RuntimeId) -> Self {
        let now = stage.clock.now();
        let scenario = &stage.script.scenario;
        let who = scenario.started_by.as_deref().unwrap_or(STARTER);
        let recorded = stage.script.own_record().map(|record| record.events.as_slice()).unwrap_or_default();
        let happenings = if scenario.events.is_empty() { recorded } else { &scenario.events };
        let mut happenings: Vec<_> = happenings
            .iter()
            .filter_map(|happening| Some((now.checked_add(happening.at).ok()?, happening.clone())))
            .collect();
        happenings.sort_by_key(|(at, _)| *at);
        Self {
            who: Principal::trusted(who, PrincipalKind::User),
            people: People::default(),
            happenings: happenings.into(),
            horizon: now.checked_add(LONGEST).unwrap_or(Timestamp::MAX),
            problems: Vec::new(),
            notes: Vec::new(),
            engine,
            stage,
            runtime,
        }
    }

    /// Plays it until everything has ended, or nothing can happen any more. The simulated execution.
    pub(super) async fn finish(&mut self, request: StartRequest) -> Result<ExecutionId, EngineError> {
        let stage = Arc::clone(&self.stage);
        tokio::select! {
            biased;
            bound = stage.store.filled() => Err(too_large(bound)),
            played = self.play(request) => played,
        }
    }

    async fn play(&mut self, request: StartRequest) -> Result<ExecutionId, EngineError> {
        let execution = self.engine.start(&self.who, &self.runtime, request).await?.summary.id;
        loop {
            self.stage.idle.comes().await;
            if self.stage.idle.begin_next() || self.answer().await || self.happen(execution).await? {
                continue;
            }
            if self.stage.store.is_over() {
                break;
            }
            let Some(next) = self.next_moment() else { break };
            if next > self.horizon {
                return Err(EngineError::Endless(
                    "it goes on for more than ten years of virtual time".to_owned(),
                ));
            }
            self.stage.clock.set(next);
            timekeeper::wake_due(&self.engine.0, next).await?;
        }
        self.tell_what_did_not_come();
        Ok(execution)
    }

    /// Gives one answer that is due. `false`: there is none.
    async fn answer(&mut self) -> bool {
        let now = self.stage.clock.now();
        for open in self.stage.store.open() {
            let Some(Coming { at, who, answer }) = self.people.coming(&self.stage.script, &open) else {
                continue;
            };
            if at > now {
                continue;
            }
            self.people.given(&open);
            let told = self.engine.answer(&who, open.execution, open.intervention.id, answer).await;
            if let Err(error) = told {
                let key = self.stage.script.key(&place(&open));
                let message = format!("the answer of {} is refused: {error}", who.name());
                self.problems.push(Problem::of(format!("interventions.{key}"), message));
            }
            return true;
        }
        false
    }

    /// Lets one thing happen outside that is due. `false`: there is none.
    async fn happen(&mut self, execution: ExecutionId) -> Result<bool, EngineError> {
        let now = self.stage.clock.now();
        let Some((_, happening)) = self.happenings.pop_front_if(|(at, _)| *at <= now) else {
            return Ok(false);
        };
        let Happening { event, payload, kept, .. } = happening;
        if kept {
            match self.engine.hand_over(&self.who, execution, &event, &payload, true).await {
                Ok(_) => {}
                Err(error @ (EngineError::Ended(_) | EngineError::Unchanged(_))) => {
                    self.notes.push(format!("event `{event}` came too late: {error}"));
                }
                Err(error) => return Err(error),
            }
        } else if self.engine.tell_waiting(&self.who, &self.runtime, &event, &payload).await?.is_empty() {
            self.notes.push(format!("event `{event}` came when no step waited for it, or it did not match"));
        }
        Ok(true)
    }

    /// The next moment at which anything happens.
    fn next_moment(&mut self) -> Option<Timestamp> {
        let now = self.stage.clock.now();
        let answers = self.coming_answers();
        let happening = self.happenings.front().map(|(at, _)| *at);
        let own = [self.stage.clock.next(), self.stage.store.wakes_after(now), happening];
        own.into_iter().flatten().chain(answers).filter(|at| *at > now).min()
    }

    fn coming_answers(&mut self) -> Vec<Timestamp> {
        let open = self.stage.store.open();
        let coming = open.iter().filter_map(|open| Some(self.people.coming(&self.stage.script, open)?.at));
        coming.collect()
    }

    /// What executions still wait for, when nothing can happen any more.
    fn tell_what_did_not_come(&mut self) {
        for open in self.stage.store.open() {
            self.problems.push(unanswered(&self.stage, &open));
        }
        for event in self.stage.store.awaited() {
            let message = format!("a step waits for `{event}` for ever: add `- {{ event: {event}, at: … }}`");
            self.problems.push(Problem::of("events".to_owned(), message));
        }
        for (_, happening) in std::mem::take(&mut self.happenings) {
            self.notes.push(format!("event `{}` comes after the end", happening.event));
        }
    }
}

fn unanswered(stage: &Stage, open: &PendingIntervention) -> Problem {
    let key = stage.script.key(&place(open));
    let message = format!(
        "nobody answers \"{}\", and it has no deadline: add `{key}: {{ answer: … }}`",
        open.intervention.prompt.chars().take(80).collect::<String>()
    );
    Problem::of(format!("interventions.{key}"), message)
}

fn too_large(bound: &str) -> EngineError {
    EngineError::Endless(match bound {
        "events" => format!("more than {MAX_EVENTS} events came of it"),
        _ => format!("more than {} MiB came of it", MAX_BYTES >> 20),
    })
}

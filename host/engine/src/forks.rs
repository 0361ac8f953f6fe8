//! Door: a new execution from an earlier one, that runs anew from one of its steps.
//!
//! Steps that were over, and do not depend on that step, keep their results. What they did belongs to the earlier
//! execution: if the fork fails, they are not undone.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use orgata_model::execution::{Event, Fact, Fork, State, Summary};
use orgata_model::expression::Done;
use orgata_model::playbook::Playbook;
use orgata_model::{ExecutionId, StepName, StepPath};
use serde_json::Value;

use crate::access::{Subject, rules};
use crate::driver::{self, Command};
use crate::engine::Engine;
use crate::error::{EngineError, Thing};
use crate::executions::check_labels;
use crate::principal::Principal;
use crate::starting::{self, Beginning, Pinned};

/// What to fork.
#[derive(Debug, Clone, Default)]
pub struct ForkRequest {
    /// The step from which it runs anew; the first when absent.
    pub step: Option<StepName>,
    /// What the playbook is given instead.
    pub input: Option<Value>,
    /// Run the playbook and operations that are current now, instead of those that the earlier execution kept.
    pub latest: bool,
    /// Free words to find it by, beside those of the earlier one.
    pub labels: BTreeMap<String, String>,
}

impl Engine {
    /// Makes and begins the new execution. `Ok` means that it is durable.
    pub async fn fork(
        &self,
        who: &Principal,
        execution: ExecutionId,
        request: ForkRequest,
    ) -> Result<Summary, EngineError> {
        let place = self.0.place_of(who, execution).await?;
        let name = execution.to_string();
        let subject = Subject { thing: Thing::Execution, name: &name };
        let work = self.forked(who, execution, request);
        self.0.guarded(who, &rules::FORK, place, subject, work).await
    }

    async fn forked(
        &self,
        who: &Principal,
        execution: ExecutionId,
        request: ForkRequest,
    ) -> Result<Summary, EngineError> {
        let host = &self.0;
        if host.stopping.is_cancelled() {
            return Err(EngineError::Draining);
        }
        let old = driver::load(host, execution).await?;
        let pinned = self.pinned_for(&old, &request).await?;
        let input = request.input.map_or_else(|| Arc::clone(&old.input), Arc::new);
        starting::check_input(host, &pinned.playbook, &input)?;
        let mut labels = old.labels.clone();
        labels.extend(request.labels);
        check_labels(&labels)?;
        let from = self.from(&old, &pinned.playbook, request.step)?;
        let beginning = Beginning {
            runtime: old.runtime.clone(),
            playbook: pinned.playbook.name.clone(),
            input,
            actor: who.actor(),
            labels,
            parent: None,
        };
        let step = pinned.playbook.steps.get(from).map(|step| StepPath::from(step.name.clone()));
        let step = step.ok_or_else(|| EngineError::Internal("the playbook has no steps".to_owned()))?;
        let first = starting::first(host, &pinned, beginning, Some(Fork { execution, step }))?;
        let id = ExecutionId::new(host.clock.fresh_id());
        let mut state = State::begin(id, Arc::clone(&pinned.playbook), &first)?;
        let mut events = vec![Arc::new(first)];
        for fact in adopted(&old, &pinned.playbook, from) {
            let event = Event { seq: state.version + 1, at: host.clock.now(), actor: who.actor(), fact };
            state.advance(&event)?;
            events.push(Arc::new(event));
        }
        let summary = state.summary();
        starting::keep(host, summary.clone(), events, None).await?;
        driver::deliver(host, id, Command::Wake)?;
        Ok(summary)
    }

    async fn pinned_for(&self, old: &State, request: &ForkRequest) -> Result<Pinned, EngineError> {
        let host = &self.0;
        let entry = host.runtime(&old.runtime)?;
        if request.latest {
            let playbook = entry.playbook(&old.playbook.name)?;
            let plugins = starting::pin(host, &entry, &playbook)?;
            return Ok(Pinned { entry, playbook, plugins });
        }
        let mut plugins = Vec::new();
        for digest in old.plugins.values() {
            let plugin = host.operations.plugin(*digest).await;
            plugins.push(plugin.map_err(|failure| EngineError::Refusal(failure.message))?);
        }
        Ok(Pinned { entry, playbook: Arc::clone(&old.playbook), plugins })
    }

    fn from(&self, old: &State, playbook: &Playbook, step: Option<StepName>) -> Result<usize, EngineError> {
        let Some(step) = step else { return Ok(0) };
        let names = || playbook.steps.iter().map(|step| step.name.as_str());
        let found = playbook.step(&step);
        let (at, found) = found.ok_or_else(|| EngineError::not_found_among(Thing::Step, &step, names()))?;
        if found.place.depth > 0 {
            let message = format!("step `{step}` is inside of a loop of {}: fork from the loop", old.id);
            return Err(EngineError::BadRequest(message));
        }
        Ok(at)
    }
}

/// What the new execution takes over: results of steps that neither are, nor depend on, nor are inside of or around
/// the step that it runs from.
fn adopted(old: &State, playbook: &Playbook, from: usize) -> Vec<Fact> {
    let anew = runs_anew(playbook, from);
    let mut facts = Vec::new();
    for (at, step) in playbook.steps.iter().enumerate() {
        if anew.contains(&at) || step.place.depth > 0 {
            continue;
        }
        let result = match old.frame.level.steps.get(&step.name) {
            Some(Done::Result(result)) => Some(Arc::clone(result)),
            Some(Done::Skipped) => None,
            // What failed is tried anew.
            Some(Done::Failed(_)) | None => continue,
        };
        facts.push(Fact::StepAdopted { step: StepPath::from(step.name.clone()), result });
    }
    facts
}

/// The step, what is inside of it and around it, and all that wait for one of them.
fn runs_anew(playbook: &Playbook, from: usize) -> BTreeSet<usize> {
    let mut anew = BTreeSet::new();
    let mut open = vec![from];
    while let Some(at) = open.pop() {
        let Some(step) = playbook.steps.get(at).filter(|_| anew.insert(at)) else { continue };
        open.extend(step.place.parent);
        // What is around the step runs its other steps only where they depend on it.
        let around = at < from && from < step.place.end;
        if !around {
            open.extend(at + 1..step.place.end);
        }
        let waiting = playbook.steps.iter().enumerate().filter(|(_, other)| other.needs.contains(&at));
        open.extend(waiting.map(|(other, _)| other));
    }
    anew
}

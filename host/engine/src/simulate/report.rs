//! What came of a simulation.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use jiff::Timestamp;
use orgata_model::diagnostic::Mark;
use orgata_model::execution::{Event, Fact, Summary};
use orgata_model::intervention::Origin;
use orgata_model::playbook::Playbook;
use orgata_model::{ExecutionId, StepName, StepPath};

use super::operations::Called;
use super::script::Provenance;

/// What came of a simulation.
#[derive(Debug)]
pub struct Simulation {
    /// When it began, in virtual time.
    pub began: Timestamp,
    /// When it was over.
    pub ended: Timestamp,
    /// The simulated execution first, and then those that it started, in order.
    pub executions: Vec<Summary>,
    /// Everything that happened, in order.
    pub happened: Vec<Happened>,
    /// The steps of the simulated playbook that never began.
    pub never_ran: Vec<StepName>,
    /// What is not as it should be. Empty: the simulation passed.
    pub problems: Vec<Problem>,
    /// What its author may want to know besides.
    pub notes: Vec<String>,
}

impl Simulation {
    /// Whether everything is as the scenario expects.
    pub fn passed(&self) -> bool {
        self.problems.is_empty()
    }

    /// The simulated execution.
    pub fn own(&self) -> Option<&Summary> {
        self.executions.first()
    }
}

/// One thing that happened.
#[derive(Debug, Clone)]
pub struct Happened {
    /// To which execution.
    pub execution: ExecutionId,
    /// What.
    pub event: Arc<Event>,
    /// Where the result came from, when a call ended with it.
    pub from: Option<Provenance>,
}

/// Something that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The part of the scenario that it is about, such as `expect.status`.
    pub path: String,
    /// What is wrong, and what to do.
    pub message: String,
    /// Where the scenario says so; line 0 when it does not.
    pub mark: Mark,
}

impl Problem {
    pub(super) fn of(path: String, message: String) -> Self {
        Self { path, message, mark: Mark::default() }
    }

    pub(super) fn at(mark: &Mark, path: &str, message: String) -> Self {
        Self { path: path.to_owned(), message, mark: mark.clone() }
    }
}

/// Puts every event in the order of time, with where its result came from.
pub(super) fn in_order(mut log: Vec<(ExecutionId, Arc<Event>)>, calls: Vec<Called>) -> Vec<Happened> {
    // Commits come in groups: what is of one moment stays in the order in which it became durable.
    log.sort_by_key(|(_, event)| event.at);
    let mut ended: HashMap<(ExecutionId, StepPath, bool), VecDeque<Provenance>> = HashMap::new();
    for call in calls {
        ended.entry((call.execution, call.step, call.undoes)).or_default().push_back(call.from);
    }
    let happened = log.into_iter().map(|(execution, event)| {
        let from = ending(&event.fact)
            .and_then(|(step, undoes)| ended.get_mut(&(execution, step.clone(), undoes))?.pop_front());
        Happened { execution, event, from }
    });
    happened.collect()
}

/// The call that a fact is the end of, if it is one: its step, and whether it undid it.
fn ending(fact: &Fact) -> Option<(&StepPath, bool)> {
    match fact {
        Fact::StepCompleted { step, .. }
        | Fact::StepFailed { step, .. }
        | Fact::StepRetryScheduled { step, .. } => Some((step, false)),
        Fact::InterventionRequired { intervention } => {
            matches!(intervention.origin, Origin::Operation { .. }).then_some((&intervention.step, false))
        }
        Fact::StepCompensated { step }
        | Fact::StepCompensationFailed { step, .. }
        | Fact::StepCompensationRetryScheduled { step, .. } => Some((step, true)),
        _ => None,
    }
}

/// Whether a step begins with it.
pub(super) fn begins(fact: &Fact) -> Option<&StepPath> {
    match fact {
        Fact::StepStarted { step, .. }
        | Fact::ChildStarted { step, .. }
        | Fact::StepEntered { step, .. }
        | Fact::LoopStarted { step, .. }
        | Fact::StepWaiting { step, .. }
        | Fact::StepCompleted { step, .. }
        | Fact::StepFailed { step, .. } => Some(step),
        Fact::InterventionRequired { intervention } => Some(&intervention.step),
        _ => None,
    }
}

/// The steps of a playbook that never began in this execution.
pub(super) fn never_ran(playbook: &Playbook, own: ExecutionId, happened: &[Happened]) -> Vec<StepName> {
    let of_own = happened.iter().filter(|happened| happened.execution == own);
    let began: Vec<&StepName> =
        of_own.filter_map(|happened| begins(&happened.event.fact)).map(StepPath::name).collect();
    let never = playbook.steps.iter().map(|step| &step.name).filter(|name| !began.contains(name));
    never.cloned().collect()
}

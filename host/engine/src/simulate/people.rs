//! Who answers the questions of a simulation, and when.
//!
//! Every question of a step takes the answers that are meant for it from where the one before has left off, and the last
//! one again when there is no other. Several people who approve are several answers.

use std::collections::HashMap;

use jiff::Timestamp;
use orgata_model::playbook::scenario::Answer;
use orgata_model::{ExecutionId, InterventionId, StepPath};

use crate::interventions::{AnswerRequest, Way};
use crate::ports::PendingIntervention;
use crate::principal::{Principal, PrincipalKind};

use super::script::{Place, Script};

/// Whoever answers where neither the scenario nor the question says who.
const NOBODY_IN_PARTICULAR: &str = "somebody";

/// Which answers were given so far.
#[derive(Default)]
pub(super) struct People {
    /// How many answers each step has had.
    had: HashMap<(ExecutionId, StepPath), usize>,
    /// Which answer comes next to each question.
    next: HashMap<InterventionId, usize>,
}

/// An answer, and when it comes.
pub(super) struct Coming {
    pub(super) at: Timestamp,
    pub(super) who: Principal,
    pub(super) answer: AnswerRequest,
}

impl People {
    /// What comes next to an open question, if anything does.
    pub(super) fn coming(&mut self, script: &Script, open: &PendingIntervention) -> Option<Coming> {
        let answers = script.answers(&place(open));
        let number = self.number(open, answers);
        let Answer { response, by, after, notes } = answers.get(number)?;
        let by = by.as_deref().or(open.intervention.assignee_role.as_ref().map(|role| role.as_str()));
        Some(Coming {
            at: open.opened_at.checked_add(*after).ok()?,
            who: Principal::trusted(by.unwrap_or(NOBODY_IN_PARTICULAR), PrincipalKind::User),
            answer: AnswerRequest { response: response.clone()?, notes: notes.clone(), way: Way::Direct },
        })
    }

    fn number(&mut self, open: &PendingIntervention, answers: &[Answer]) -> usize {
        let key = (open.execution, open.intervention.step.clone());
        let had = self.had.get(&key).copied().unwrap_or_default();
        let first = had.min(answers.len().saturating_sub(1));
        let number = *self.next.entry(open.intervention.id).or_insert(first);
        // A question that nobody answers is over with its deadline: the next question takes the next.
        if answers.get(number).is_some_and(|answer| answer.response.is_none()) {
            self.had.insert(key, number + 1);
        }
        number
    }

    /// An answer was given, whatever became of it.
    pub(super) fn given(&mut self, open: &PendingIntervention) {
        let number = self.next.entry(open.intervention.id).or_default();
        *number += 1;
        self.had.insert((open.execution, open.intervention.step.clone()), *number);
    }
}

/// Where a question was asked.
pub(super) fn place(open: &PendingIntervention) -> Place {
    Place {
        execution: open.execution,
        playbook: open.playbook.clone(),
        step: open.intervention.step.clone(),
        undoes: false,
    }
}

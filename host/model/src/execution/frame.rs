//! Where the steps stand that share one set of values: those of the playbook outside of loops, or those
//! of one iteration of a loop.

use std::sync::Arc;

use serde_json::Value;

use crate::expression::{Done, Item, Level};
use crate::ids::InterventionId;
use crate::intervention::Origin;
use crate::playbook::{Playbook, Step};

use super::step_state::{Loop, StepState};

/// A run of neighbouring steps of the playbook, and what expressions see of them.
#[derive(Debug, Clone, PartialEq)]
pub struct Frame {
    /// The place of its first step in the playbook.
    base: usize,
    slots: Vec<StepState>,
    /// What ended and what was set in it.
    pub level: Level,
}

impl Frame {
    /// For the steps of a playbook outside of loops.
    pub fn of_playbook(playbook: &Playbook) -> Self {
        Self { base: 0, slots: vec![StepState::Pending; playbook.steps.len()], level: Level::default() }
    }

    /// For one iteration of the loop at this place.
    pub fn of_iteration(at: usize, step: &Step, index: u32, item: Value) -> Self {
        let name = step.each.as_ref().map_or_else(|| "item".into(), |each| Arc::clone(&each.name));
        let item = Item { name, value: Arc::new(item), index };
        let count = step.place.end.saturating_sub(at).max(1);
        let slots = vec![StepState::Pending; count];
        Self { base: at, slots, level: Level { item: Some(item), ..Level::default() } }
    }

    /// Where a step stands.
    pub fn slot(&self, at: usize) -> Option<&StepState> {
        self.slots.get(at.checked_sub(self.base)?)
    }

    /// Where a step stands, to change it.
    pub(super) fn slot_mut(&mut self, at: usize) -> Option<&mut StepState> {
        self.slots.get_mut(at.checked_sub(self.base)?)
    }

    /// Where its steps stand, in the order written.
    pub fn slots(&self) -> impl Iterator<Item = &StepState> {
        self.slots.iter()
    }

    /// Notes how a step ended, for those after it.
    pub(super) fn note(&mut self, step: &Step, done: Done) {
        Arc::make_mut(&mut self.level.steps).insert(step.name.clone(), done);
    }

    /// A step, and all inside of it, are not run: those that have not begun, or are given up.
    pub(super) fn skip(&mut self, playbook: &Playbook, at: usize) {
        let end = playbook.steps.get(at).map_or(at, |step| step.place.end);
        for inner in at..end {
            let (Some(slot), Some(step)) = (self.slot_mut(inner), playbook.steps.get(inner)) else {
                continue;
            };
            let done = match slot {
                StepState::Succeeded | StepState::Skipped => continue,
                // What it is inside of failed with it, and the playbook goes on after that.
                StepState::Failed { failure, .. } => Done::Failed(Arc::new(failure.clone())),
                _ => {
                    *slot = StepState::Skipped;
                    Done::Skipped
                }
            };
            self.note(step, done);
        }
    }

    /// The steps beside `at` that are written between it and `to`, and have not begun, are not run. `held`: questions
    /// that operators asked before steps begin.
    pub(super) fn skip_between(
        &mut self,
        playbook: &Playbook,
        at: usize,
        to: usize,
        held: &[InterventionId],
    ) {
        let Some(place) = playbook.steps.get(at).map(|step| step.place) else { return };
        let beside = playbook.inside(place.parent).filter(|between| *between > at && *between < to);
        for between in beside.collect::<Vec<_>>() {
            let case = playbook.steps.get(between).map(|step| step.place.case);
            let rests = self.slot(between).is_some_and(|state| match state {
                StepState::Pending => true,
                StepState::WaitingForAnswer { intervention, .. } => held.contains(intervention),
                StepState::Answered { intervention, .. } => intervention.origin == Origin::Operator,
                _ => false,
            });
            if case == Some(place.case) && rests {
                self.skip(playbook, between);
            }
        }
    }

    /// What is inside of a step, and gave no result, has its turn again. What came to rest goes on from there.
    pub(super) fn begin_again(&mut self, playbook: &Playbook, at: usize) {
        let own = at == self.base;
        if let Some(StepState::Looping(progress)) = self.slot_mut(at).filter(|_| !own) {
            return progress.begin_again(playbook, at);
        }
        let end = playbook.steps.get(at).map_or(at, |step| step.place.end);
        let mut next = at + 1;
        while let Some(step) = playbook.steps.get(next).filter(|_| next < end) {
            let inner = std::mem::replace(&mut next, step.place.end);
            let Some(slot) = self.slot_mut(inner) else { return };
            let before = std::mem::replace(slot, StepState::Pending);
            let looping = match before {
                StepState::Looping(progress) => Some(progress),
                StepState::Failed { inner: Some(state), .. } => match *state {
                    StepState::Looping(progress) => Some(progress),
                    _ => None,
                },
                StepState::Failed { .. } | StepState::Skipped | StepState::Entered { .. } => None,
                other => {
                    *slot = other;
                    continue;
                }
            };
            // The iterations that are over are over.
            if let Some(mut progress) = looping {
                progress.begin_again(playbook, inner);
                *slot = StepState::Looping(progress);
            } else {
                self.begin_again(playbook, inner);
            }
            Arc::make_mut(&mut self.level.steps).remove(&step.name);
        }
    }

    /// Calls `see` with each step that is in this frame and in those of the loops at work in it, in the order written:
    /// its place, the iterations around it, and where it stands.
    pub(super) fn walk<'f>(
        &'f self,
        playbook: &Playbook,
        iterations: &mut Vec<u32>,
        see: &mut impl FnMut(usize, &[u32], &'f StepState),
    ) {
        let mut at = self.base;
        while let Some(state) = self.slot(at) {
            see(at, iterations, state);
            let step = playbook.steps.get(at);
            if let StepState::Looping(progress) = state {
                for (iteration, frame) in &progress.active {
                    iterations.push(*iteration);
                    frame.walk(playbook, iterations, see);
                    iterations.pop();
                }
            }
            // What is inside of a step counts while it has its turn; what is inside of a loop is in its iterations.
            let end = step.map_or(at + 1, |step| step.place.end);
            at = if matches!(state, StepState::Entered { .. }) { at + 1 } else { end };
        }
    }
}

impl Loop {
    /// The iterations that failed have their turn again.
    fn begin_again(&mut self, playbook: &Playbook, at: usize) {
        self.failure = None;
        let Some(step) = playbook.steps.get(at) else { return };
        for frame in self.active.values_mut() {
            let Some(slot) = frame.slot_mut(at) else { continue };
            if matches!(slot, StepState::Failed { .. } | StepState::Entered { .. }) {
                *slot = StepState::Pending;
                Arc::make_mut(&mut frame.level.steps).remove(&step.name);
                frame.begin_again(playbook, at);
            }
        }
    }
}

//! Where the steps stand that share one set of values: those of the playbook outside of loops, or those
//! of one iteration of a loop.

use std::sync::Arc;

use serde_json::Value;

use crate::expression::{Done, Item, Level};
use crate::playbook::{Playbook, Step};

use super::step_state::StepState;

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
            if !slot.is_done() {
                *slot = StepState::Skipped;
                self.note(step, Done::Skipped);
            }
        }
    }

    /// The steps beside `at` that are written between it and `to`, and have not begun, are not run.
    pub(super) fn skip_between(&mut self, playbook: &Playbook, at: usize, to: usize) {
        let Some(place) = playbook.steps.get(at).map(|step| step.place) else { return };
        let beside = playbook.inside(place.parent).filter(|between| *between > at && *between < to);
        for between in beside.collect::<Vec<_>>() {
            let case = playbook.steps.get(between).map(|step| step.place.case);
            if case == Some(place.case) && self.slot(between) == Some(&StepState::Pending) {
                self.skip(playbook, between);
            }
        }
    }

    /// What is inside of a step, and gave no result, has its turn again.
    pub(super) fn begin_again(&mut self, playbook: &Playbook, at: usize) {
        let end = playbook.steps.get(at).map_or(at, |step| step.place.end);
        for inner in at + 1..end {
            let (Some(slot), Some(step)) = (self.slot_mut(inner), playbook.steps.get(inner)) else {
                continue;
            };
            if *slot != StepState::Succeeded {
                *slot = StepState::Pending;
                Arc::make_mut(&mut self.level.steps).remove(&step.name);
            }
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

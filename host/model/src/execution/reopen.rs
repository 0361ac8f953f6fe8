//! From an execution that failed back to one that goes on.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use crate::step_path::StepPath;

use super::answered::takes_input;
use super::fold::{Refusal, frame_mut};
use super::moves::reopened;
use super::ready::fatal;
use super::state::State;
use super::step_fold::failed_iteration;
use super::step_state::StepState;

/// A step's place, and the iterations that lead to it.
type Spot = (usize, Vec<(usize, u32)>);

impl State {
    /// An execution that failed goes on with this step, whose failure was the execution's.
    pub(super) fn reopen(
        &mut self,
        path: &StepPath,
        input: Option<&Arc<Value>>,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let (at, chain) = self.locate(path)?;
        let playbook = Arc::clone(&self.playbook);
        let given = input.map(|input| (Arc::clone(input), now));
        // From the outside in: what is inside can be reached once what is around it is open again.
        for (around, chain) in self.spots(at, chain.clone()).into_iter().rev() {
            let step = playbook.steps.get(around).ok_or("the playbook has fewer steps")?;
            let frame = frame_mut(&mut self.frame, &chain).ok_or("its loop has not come so far")?;
            let slot = frame.slot_mut(around).ok_or("the playbook has fewer steps")?;
            let iteration = chain.last().is_some_and(|(looped, _)| *looped == around);
            if fatal(step, slot, iteration).is_none() {
                let name = StepPath::new(step.name.clone(), path.iterations());
                return Err(format!("step `{path}` is not what failed: step `{name}` is {}", slot.as_str()));
            }
            let own = around == at && chain.len() == path.iterations().len();
            let takes = takes_input(step) && (iteration || step.each.is_none());
            if own && given.is_some() && !takes {
                return Err(format!("step `{path}` takes no input"));
            }
            let before = std::mem::replace(slot, StepState::Pending);
            *slot = reopened(before, given.clone().filter(|_| own))
                .map_err(|word| format!("step `{path}`, or what is around it, is {word}"))?;
            if own {
                frame.begin_again(&playbook, at);
            }
        }
        self.note_failed_iterations(chain);
        self.end = None;
        Ok(())
    }

    /// Where a step stands, and everything around it, the innermost first.
    fn spots(&self, at: usize, mut chain: Vec<(usize, u32)>) -> Vec<Spot> {
        let mut spots = vec![(at, chain.clone())];
        let mut next = Some(at);
        while let Some((inner, step)) = next.and_then(|at| Some((at, self.playbook.steps.get(at)?))) {
            if step.each.is_some() && chain.last().is_some_and(|(looped, _)| *looped == inner) {
                chain.pop();
                spots.push((inner, chain.clone()));
            }
            next = step.place.parent;
            spots.extend(next.map(|parent| (parent, chain.clone())));
        }
        spots
    }

    /// Other iterations of the loops around a step may have failed beside it.
    fn note_failed_iterations(&mut self, mut chain: Vec<(usize, u32)>) {
        while let Some((looped, _)) = chain.pop() {
            let Some(step) = self.playbook.steps.get(looped) else { return };
            let slot = frame_mut(&mut self.frame, &chain).and_then(|frame| frame.slot_mut(looped));
            if let Some(StepState::Looping(progress)) = slot {
                progress.failure = failed_iteration(progress, looped, step);
            }
        }
    }
}

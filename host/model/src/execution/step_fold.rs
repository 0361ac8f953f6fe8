//! From one state to the next: what moves a step, and what that means for those around it.

use std::sync::Arc;

use serde_json::Value;

use crate::expression::Done;
use crate::failure::Failure;
use crate::intervention::Origin;
use crate::playbook::{OnFailure, Playbook, Step, Work};
use crate::step_path::StepPath;

use super::fact::Fact;
use super::fold::{Refusal, frame_mut};
use super::frame::Frame;
use super::moves::{moved, starts_something, wants_its_turn};
use super::ready::{fatal, uncomputable};
use super::state::State;
use super::step_state::{Loop, StepState};
use super::undo::Undoing;

impl State {
    /// Moves a step, and what follows from that for others.
    pub(super) fn move_step(&mut self, path: &StepPath, fact: &Fact) -> Result<(), Refusal> {
        let (at, chain) = self.locate(path)?;
        let playbook = Arc::clone(&self.playbook);
        let step = playbook.steps.get(at).ok_or("the playbook has fewer steps")?;
        self.begin_iteration(&chain, &playbook);
        let letter = self.letter_of(at, path, fact);
        let paused = self.paused;
        let frame = frame_mut(&mut self.frame, &chain).ok_or_else(|| {
            format!("it is not the turn of step `{path}`: its loop has not come so far, or has ended")
        })?;
        let slot = frame.slot_mut(at).ok_or("the playbook has fewer steps")?;
        if paused && starts_something(slot, fact) {
            return Err("the execution is paused".to_owned());
        }
        let wants_its_turn = wants_its_turn(slot, fact);
        let iteration = chain.last().is_some_and(|(looped, _)| *looped == at);
        if wants_its_turn && !iteration {
            self.has_its_turn(at, step, path)?;
        }
        let frame = frame_mut(&mut self.frame, &chain).ok_or("its loop has ended")?;
        let slot = frame.slot_mut(at).ok_or("the playbook has fewer steps")?;
        let again = matches!(slot, StepState::Answered { intervention, .. }
            if matches!(intervention.origin, Origin::Failed { .. }));
        let before = std::mem::replace(slot, StepState::Pending);
        *slot = moved(step, before, fact).map_err(|word| format!("step `{path}` is {word}"))?;
        if let Some(letter) = letter {
            self.mailbox.remove(letter);
        }
        self.follow(at, step, path, &chain, fact, again)?;
        if iteration {
            self.end_iteration(at, step, &chain);
        }
        Ok(())
    }

    /// Whether a step can begin: what it is inside of has its turn, and all that it waits for is over.
    fn has_its_turn(&self, at: usize, step: &Step, path: &StepPath) -> Result<(), Refusal> {
        let early = |other: &Step, word: &str| {
            Err(format!("it is not the turn of step `{path}`: step `{}` is {word}", other.name))
        };
        let frames = self.frames_of(at, path).unwrap_or_default();
        let stands = |other: usize, depth: usize| frames.get(depth).and_then(|frame| frame.slot(other));
        if let Some(around) = step.place.parent
            && let (Some(parent), Some(state)) =
                (self.playbook.steps.get(around), stands(around, step.place.depth))
            && !matches!(state, StepState::Entered { .. })
        {
            return early(parent, state.as_str());
        }
        let waits_for = step.needs.iter().find(|need| !self.is_past(&frames, **need));
        match waits_for.and_then(|need| self.playbook.steps.get(*need).map(|other| (*need, other))) {
            Some((need, other)) => {
                early(other, stands(need, other.place.depth).map_or("pending", StepState::as_str))
            }
            None => Ok(()),
        }
    }

    /// What a move of a step means for those around it.
    fn follow(
        &mut self,
        at: usize,
        step: &Step,
        path: &StepPath,
        chain: &[(usize, u32)],
        fact: &Fact,
        again: bool,
    ) -> Result<(), Refusal> {
        let playbook = Arc::clone(&self.playbook);
        let asked_by_operators = self.open.iter().filter(|question| question.origin == Origin::Operator);
        let held: Vec<_> = asked_by_operators.map(|question| question.id).collect();
        let gone = || format!("step `{path}` is in no iteration");
        match fact {
            Fact::StepCompleted { result, .. }
            | Fact::StepSkipped { result: Some(result), .. }
            | Fact::StepAdopted { result: Some(result), .. } => {
                let frame = frame_mut(&mut self.frame, chain).ok_or_else(gone)?;
                if let (Work::Set(_), Value::Object(values)) = (&step.work, &**result) {
                    let vars = Arc::make_mut(&mut frame.level.vars);
                    vars.extend(values.iter().map(|(name, value)| (name.clone(), value.clone())));
                }
                frame.note(step, Done::Result(Arc::clone(result)));
                // What is inside of it and did not end need not.
                for inner in playbook.inside(Some(at)) {
                    frame.skip(&playbook, inner);
                }
                if matches!(fact, Fact::StepCompleted { .. }) {
                    self.note_compensation(at, step, path);
                }
            }
            Fact::StepSkipped { .. } | Fact::StepAdopted { .. } => {
                let frame = frame_mut(&mut self.frame, chain).ok_or_else(gone)?;
                frame.note(step, Done::Skipped);
                for inner in playbook.inside(Some(at)) {
                    frame.skip(&playbook, inner);
                }
            }
            Fact::StepEntered { case, .. } => {
                let frame = frame_mut(&mut self.frame, chain).ok_or_else(gone)?;
                if again {
                    frame.begin_again(&playbook, at);
                }
                let taken = case.map(|case| case as usize);
                if let Work::Switch(cases) = &step.work {
                    for inner in playbook.inside(Some(at)) {
                        let case = playbook.steps.get(inner).map(|step| step.place.case);
                        if case != taken {
                            frame.skip(&playbook, inner);
                        }
                    }
                    let goto = taken.and_then(|case| cases.get(case)?.goto);
                    goto.into_iter().for_each(|to| frame.skip_between(&playbook, at, to, &held));
                }
            }
            Fact::StepFailed { failure, .. } => {
                let iteration = chain.last().is_some_and(|(looped, _)| *looped == at);
                let goes_on = match step.on_failure {
                    OnFailure::Continue => true,
                    OnFailure::Goto(_) => !iteration,
                    OnFailure::Fail | OnFailure::Intervene => false,
                };
                if goes_on {
                    let frame = frame_mut(&mut self.frame, chain).ok_or_else(gone)?;
                    frame.note(step, Done::Failed(Arc::new(failure.clone())));
                    for inner in playbook.inside(Some(at)) {
                        frame.skip(&playbook, inner);
                    }
                    if let OnFailure::Goto(to) = step.on_failure {
                        frame.skip_between(&playbook, at, to, &held);
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// The next iteration of a loop begins with what happens first in it.
    fn begin_iteration(&mut self, chain: &[(usize, u32)], playbook: &Playbook) {
        let Some(((looped, iteration), outer)) = chain.split_last() else { return };
        let Some(frame) = frame_mut(&mut self.frame, outer) else { return };
        let Some(StepState::Looping(progress)) = frame.slot_mut(*looped) else { return };
        if progress.next != *iteration || progress.failure.is_some() {
            return;
        }
        let (Some(step), Some(item)) =
            (playbook.steps.get(*looped), progress.items.get(*iteration as usize).cloned())
        else {
            return;
        };
        progress.active.insert(*iteration, Frame::of_iteration(*looped, step, *iteration, item));
        progress.next += 1;
    }

    /// An iteration that is over leaves its result with its loop.
    fn end_iteration(&mut self, at: usize, step: &Step, chain: &[(usize, u32)]) {
        let Some(((looped, iteration), outer)) = chain.split_last() else { return };
        let Some(frame) = frame_mut(&mut self.frame, outer) else { return };
        let Some(StepState::Looping(progress)) = frame.slot_mut(*looped) else { return };
        let Some(inner) = progress.active.get(iteration) else { return };
        let Some(state) = inner.slot(at) else { return };
        let result = match (state, inner.level.steps.get(&step.name)) {
            (StepState::Succeeded, Some(Done::Result(result))) => Some(Arc::clone(result)),
            (StepState::Skipped, _) => Some(Arc::default()),
            (StepState::Failed { .. }, _) if step.on_failure == OnFailure::Continue => Some(Arc::default()),
            // One that failed stays, for when it is tried again.
            _ => None,
        };
        if let Some(result) = result {
            progress.results.insert(*iteration, result);
            progress.active.remove(iteration);
        }
        progress.failure = failed_iteration(progress, at, step);
    }

    /// The event that a wait takes when it completes.
    fn letter_of(&self, at: usize, path: &StepPath, fact: &Fact) -> Option<usize> {
        if self.mailbox.is_empty() || !matches!(fact, Fact::StepCompleted { .. }) {
            return None;
        }
        self.letter(at, &self.frames_of(at, path)?)
    }

    /// How the step will be undone, if it must be: computed now, as it is now.
    fn note_compensation(&mut self, at: usize, step: &Step, path: &StepPath) {
        let Some(compensation) = &step.compensation else { return };
        // A step with `forEach` is undone iteration by iteration.
        let looped = step.each.is_some() && path.iterations().len() == step.place.depth;
        let Some(frames) = self.frames_of(at, path).filter(|_| !looped) else { return };
        let input = compensation.params.eval(&self.scope(&frames)).map(Arc::new);
        let input = input.map_err(|error| uncomputable("compensation.params", &error));
        self.unwinding.steps.push(Undoing { step: path.clone(), at, input });
    }
}

/// Why the first iteration failed of those that failed and that the playbook does not go on after.
pub(super) fn failed_iteration(progress: &Loop, at: usize, step: &Step) -> Option<Failure> {
    progress.active.values().find_map(|frame| fatal(step, frame.slot(at)?, true)).cloned()
}

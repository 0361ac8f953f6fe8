//! Which step an execution failed over.

use crate::step_path::StepPath;

use super::frame::Frame;
use super::ready::fatal;
use super::state::State;
use super::step_state::StepState;

impl State {
    /// The step that failed, and whose failure is that of everything around it; the first of several.
    pub fn failed_step(&self) -> Option<StepPath> {
        self.failed_in(&self.frame, None, &mut Vec::new()).map(|(path, _, _)| path)
    }

    /// Where a step stands that failed, or what it is inside of did.
    pub fn failed_inside(&self, path: &StepPath) -> Option<(usize, &StepState)> {
        let (found, at, state) = self.failed_in(&self.frame, None, &mut Vec::new())?;
        (found == *path).then_some((at, state))
    }

    fn failed_in<'s>(
        &'s self,
        frame: &'s Frame,
        parent: Option<usize>,
        iterations: &mut Vec<u32>,
    ) -> Option<(StepPath, usize, &'s StepState)> {
        let inside: Vec<usize> = self.playbook.inside(parent).collect();
        inside.into_iter().find_map(|at| self.failed_at(frame, at, iterations, false))
    }

    /// `iteration`: the step in one iteration of its loop.
    fn failed_at<'s>(
        &'s self,
        frame: &'s Frame,
        at: usize,
        iterations: &mut Vec<u32>,
        iteration: bool,
    ) -> Option<(StepPath, usize, &'s StepState)> {
        let (step, state) = (self.playbook.steps.get(at)?, frame.slot(at)?);
        fatal(step, state, iteration)?;
        let StepState::Failed { inner, .. } = state else { return None };
        match inner.as_deref() {
            Some(StepState::Entered { .. }) => self.failed_in(frame, Some(at), iterations),
            Some(StepState::Looping(progress)) => progress.active.iter().find_map(|(number, frame)| {
                iterations.push(*number);
                let found = self.failed_at(frame, at, iterations, true);
                iterations.pop();
                found
            }),
            _ => Some((StepPath::new(step.name.clone(), iterations), at, state)),
        }
    }
}

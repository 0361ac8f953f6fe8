//! When time alone moves an execution on.

use jiff::Timestamp;

use super::frame::Frame;
use super::ready::fatal;
use super::state::State;
use super::step_state::StepState;

impl State {
    /// When time alone moves it on: its own deadline, a question's, a wait's, or the next attempt. What is due by then
    /// is ready then ([`State::ready`]).
    pub fn wakes_at(&self) -> Option<Timestamp> {
        if self.end.is_some() {
            return None;
        }
        let mut earliest: Option<Timestamp> = None;
        let mut consider = |at: Timestamp| earliest = Some(earliest.map_or(at, |earlier| earlier.min(at)));
        if self.unwinding.cause.is_some() {
            return self.unwinding.wakes_at().filter(|_| !self.paused);
        }
        if self.cancelling.is_some() {
            return None;
        }
        self.open.iter().for_each(|question| {
            question.deadline.into_iter().for_each(&mut consider);
            question.reminder.into_iter().for_each(|reminder| consider(reminder.next));
        });
        self.deadline.into_iter().for_each(&mut consider);
        if !self.paused {
            self.due_inside(&self.frame, None, &mut consider);
        }
        earliest
    }

    /// The times that steps directly inside of `parent` wait for. Beside one that failed nothing goes on.
    fn due_inside(&self, frame: &Frame, parent: Option<usize>, consider: &mut impl FnMut(Timestamp)) {
        let steps = || {
            let places = self.playbook.inside(parent);
            places.filter_map(|at| Some((at, self.playbook.steps.get(at)?, frame.slot(at)?)))
        };
        if steps().any(|(_, step, state)| fatal(step, state, false).is_some()) {
            return;
        }
        for (at, _, state) in steps() {
            self.due(frame, at, state, consider);
        }
    }

    fn due(&self, frame: &Frame, at: usize, state: &StepState, consider: &mut impl FnMut(Timestamp)) {
        match state {
            StepState::Retrying { at, .. } => consider(*at),
            StepState::Waiting { until: Some(until), .. } => consider(*until),
            StepState::Entered { .. } => self.due_inside(frame, Some(at), consider),
            StepState::Looping(progress) if progress.failure.is_none() => {
                for frame in progress.active.values() {
                    frame.slot(at).into_iter().for_each(|state| self.due(frame, at, state, consider));
                }
            }
            _ => {}
        }
    }
}

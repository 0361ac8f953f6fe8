//! Steps with the same concurrency key take turns.
//!
//! Whose turn it is is kept in memory alone: nothing of a step is at work while the host is not, and an execution whose
//! step waits for its turn is one that has work to do, which the next start brings back. Turns go in the order in which
//! they were asked for.
//!
//! A driver waits for one turn at a time, and holds none meanwhile but those of calls under way: so no two wait for
//! each other.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use orgata_model::execution::{Action, Fact};
use orgata_model::failure::code;
use orgata_model::{Failure, RuntimeId, StepPath};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::Driver;
use super::commit::Stop;

/// The turns that somebody has or waits for.
#[derive(Default)]
pub(crate) struct Turns(Mutex<HashMap<(RuntimeId, String), Weak<Semaphore>>>);

impl Turns {
    fn of(&self, runtime: &RuntimeId, key: &str) -> Arc<Semaphore> {
        let mut turns = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let name = (runtime.clone(), key.to_owned());
        if let Some(turn) = turns.get(&name).and_then(Weak::upgrade) {
            return turn;
        }
        turns.retain(|_, turn| turn.strong_count() > 0);
        let turn = Arc::new(Semaphore::new(1));
        turns.insert(name, Arc::downgrade(&turn));
        turn
    }
}

/// A turn that is not there yet.
pub(super) struct Awaited {
    step: StepPath,
    turn: Pin<Box<dyn Future<Output = Option<OwnedSemaphorePermit>> + Send>>,
}

/// The turns of one execution.
#[derive(Default)]
pub(super) struct OwnTurns {
    held: Vec<(StepPath, OwnedSemaphorePermit)>,
    awaited: Option<Awaited>,
}

impl OwnTurns {
    pub(super) fn waits(&self) -> bool {
        self.awaited.is_some()
    }

    /// Returns when the awaited turn has come; never when none is awaited.
    pub(super) async fn comes(&mut self) {
        let Some(awaited) = &mut self.awaited else { return std::future::pending().await };
        let turn = awaited.turn.as_mut().await;
        if let Some(awaited) = self.awaited.take() {
            self.held.extend(turn.map(|turn| (awaited.step, turn)));
        }
    }

    /// A step has ended, or asks somebody: the next may begin.
    pub(super) fn give_back(&mut self, step: &StepPath) {
        self.held.retain(|(held, _)| held != step);
    }
}

impl Driver {
    /// Whether what is ready may begin now, as far as turns are concerned. A step whose key cannot be computed fails.
    pub(super) fn has_turn(&mut self, action: &Action) -> Result<bool, Stop> {
        let (Action::Run { step, .. } | Action::Recover { step, .. }) = action else { return Ok(true) };
        match self.state.concurrency_key(step) {
            None => Ok(true),
            Some(Ok(key)) => Ok(self.take_turn(step, &key)),
            Some(Err(error)) => {
                let message = format!("its concurrency key cannot be computed: {error}");
                let failure = Failure::permanent(code::EXPRESSION, message);
                self.note(Fact::StepFailed { step: step.clone(), failure })?;
                Ok(false)
            }
        }
    }

    fn take_turn(&mut self, step: &StepPath, key: &str) -> bool {
        if self.turns.held.iter().any(|(held, _)| held == step) {
            return true;
        }
        if self.turns.awaited.as_ref().is_some_and(|awaited| awaited.step == *step) {
            return false;
        }
        // What was awaited before, or came meanwhile, is for a step that is not the next any more.
        self.turns.awaited = None;
        self.give_back_unused();
        let turn = self.host.turns.of(&self.state.runtime, key);
        if let Ok(permit) = Arc::clone(&turn).try_acquire_owned() {
            self.turns.held.push((step.clone(), permit));
            return true;
        }
        let turn = Box::pin(async move { turn.acquire_owned().await.ok() });
        self.turns.awaited = Some(Awaited { step: step.clone(), turn });
        false
    }

    fn give_back_unused(&mut self) {
        let Self { turns, planned, calls, .. } = self;
        turns
            .held
            .retain(|(held, _)| calls.runs(held) || planned.iter().any(|planned| planned.step == *held));
    }

    /// An execution that is paused, over or being undone takes no turn from others.
    pub(super) fn pass_turns_on(&mut self) {
        let idle = self.state.paused || self.state.end.is_some() || self.state.cause().is_some();
        if idle && (self.turns.waits() || !self.turns.held.is_empty()) {
            self.turns.awaited = None;
            self.give_back_unused();
        }
    }

    /// A step that was at work when the host stopped goes on: it had its turn, and has it again before it runs. Nobody
    /// else who was at work had the same.
    pub(super) async fn have_turn_again(&mut self, step: &StepPath) -> Result<(), Stop> {
        let Some(Ok(key)) = self.state.concurrency_key(step) else { return Ok(()) };
        if self.take_turn(step, &key) {
            return Ok(());
        }
        tokio::select! {
            () = self.turns.comes() => Ok(()),
            () = self.host.stopping.cancelled() => Err(Stop::Host),
        }
    }
}

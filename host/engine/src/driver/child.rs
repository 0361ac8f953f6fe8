//! Executions that run for a step of this one.
//!
//! The child's start is recorded here first; then the child is made. So whoever comes back after a crash finds
//! the child, or makes it. When the child ends it tells its parent, and a parent that comes back looks by itself.

use std::sync::Arc;

use orgata_model::execution::{Actor, Fact, Parent, Status, Summary};
use orgata_model::failure::code;
use orgata_model::{ExecutionId, Failure, PlaybookName, StepPath};
use serde_json::Value;
use tokio::sync::oneshot;

use crate::error::EngineError;
use crate::executions::Control;
use crate::host::Host;
use crate::ports::{StoreError, StoredExecution};
use crate::starting::{self, Beginning};

use super::commit::Stop;
use super::{Command, Driver, deliver};

/// Longest chain of children of children.
const MAX_GENERATIONS: usize = 16;

impl Driver {
    pub(super) async fn start_child(
        &mut self,
        step: StepPath,
        attempt: u32,
        playbook: PlaybookName,
        input: Arc<Value>,
    ) -> Result<(), Stop> {
        let execution = ExecutionId::new(self.host.clock.fresh_id());
        if let Err(failure) = self.may_start(&playbook, &input).await? {
            return self.note(Fact::StepFailed { step, failure });
        }
        self.note(Fact::ChildStarted {
            step: step.clone(),
            attempt,
            playbook: playbook.clone(),
            execution,
            input: Arc::clone(&input),
        })?;
        self.commit().await?;
        self.make_child(&step, playbook, input, execution).await
    }

    /// What can be said before anything is recorded.
    async fn may_start(
        &mut self,
        playbook: &PlaybookName,
        input: &Value,
    ) -> Result<Result<(), Failure>, Stop> {
        let mut generations = 1;
        let mut parent = self.state.parent.clone();
        while let Some(above) = parent {
            generations += 1;
            if generations > MAX_GENERATIONS {
                let message = format!("playbooks run playbooks {MAX_GENERATIONS} deep: does one run itself?");
                return Ok(Err(Failure::permanent(code::CHILD_FAILED, message)));
            }
            let host = Arc::clone(&self.host);
            let first = || async { Ok(host.store.events(above.execution, 0, 1).await?) };
            let first = self.patiently(first).await?;
            parent = first.into_iter().next().and_then(|event| match event.fact {
                Fact::ExecutionStarted { parent, .. } => parent,
                _ => None,
            });
        }
        let checked = starting::check(&self.host, &self.state.runtime, playbook, input);
        Ok(checked.map(drop).map_err(|error| refused(playbook, &error)))
    }

    async fn make_child(
        &mut self,
        step: &StepPath,
        playbook: PlaybookName,
        input: Arc<Value>,
        execution: ExecutionId,
    ) -> Result<(), Stop> {
        let parent = Parent { execution: self.state.id, step: step.clone() };
        let beginning = Beginning {
            runtime: self.state.runtime.clone(),
            playbook: playbook.clone(),
            input,
            actor: Arc::clone(&self.state.started_by),
            labels: self.state.labels.clone(),
            parent: Some(parent),
        };
        let host = Arc::clone(&self.host);
        host.lent.pass_on(self.state.id, execution);
        match self.patiently(|| starting::make(&host, execution, beginning.clone(), None)).await {
            // Somebody came back to it before us.
            Ok(()) | Err(Stop::Fault(EngineError::Store(StoreError::Conflict))) => {}
            Err(Stop::Fault(error)) if !matches!(error, EngineError::Store(_)) => {
                let failure = refused(&playbook, &error);
                return self.note(Fact::StepFailed { step: step.clone(), failure });
            }
            Err(stop) => return Err(stop),
        }
        // It goes on by itself; when the host stops, the next start wakes it.
        let _ = deliver(&self.host, execution, Command::Wake);
        Ok(())
    }

    /// Looks what became of the children: of those that ended, and of those that were never made.
    pub(super) async fn look_after_children(&mut self) -> Result<(), Stop> {
        for (step, execution) in self.state.children() {
            self.look_after(step, execution).await?;
        }
        Ok(())
    }

    async fn look_after(&mut self, step: StepPath, execution: ExecutionId) -> Result<(), Stop> {
        let stored = self.child(execution).await?;
        let Some((at, orgata_model::execution::StepState::Child { attempt, .. })) = self.state.stands(&step)
        else {
            return Ok(());
        };
        let attempt = attempt.clone();
        let playbook = Arc::clone(&self.state.playbook);
        let Some(definition) = playbook.steps.get(at) else { return Ok(()) };
        match stored {
            Some(stored) if !stored.summary.status.is_end() => Ok(()),
            Some(stored) => match outcome(&stored.summary) {
                Ok(result) => self.note(Fact::StepCompleted { step, result, cached: false }),
                Err(failure) => self.failed(definition, step, attempt.number, failure),
            },
            None => {
                let orgata_model::playbook::Work::Playbook { playbook, .. } = &definition.work else {
                    return Ok(());
                };
                self.make_child(&step, playbook.clone(), attempt.input, execution).await
            }
        }
    }

    /// What the store has of a child; while the store is unavailable it asks again.
    async fn child(&mut self, execution: ExecutionId) -> Result<Option<StoredExecution>, Stop> {
        let host = Arc::clone(&self.host);
        self.patiently(|| async { Ok(host.store.execution(execution).await?) }).await
    }

    /// Stops a child, and takes what it gave if it was quicker.
    pub(super) async fn stop_child(&mut self, step: StepPath, execution: ExecutionId) -> Result<(), Stop> {
        let host = Arc::clone(&self.host);
        let reason = format!("step `{step}` of {} no longer needs it", self.state.id);
        let who = Arc::clone(&self.state.started_by);
        match self.patiently(|| cancel(&host, execution, &who, &reason)).await {
            Ok(())
            | Err(Stop::Fault(
                EngineError::Ended(_) | EngineError::Unchanged(_) | EngineError::NotFound { .. },
            )) => {}
            // The next start stops it.
            Err(Stop::Fault(EngineError::Draining)) => return Err(Stop::Host),
            Err(stop) => return Err(stop),
        }
        let stored = self.child(execution).await?;
        match stored.as_ref().map(|stored| outcome(&stored.summary)) {
            Some(Ok(result)) => self.note(Fact::StepCompleted { step, result, cached: false }),
            _ => {
                let message = format!("the child {execution} was stopped");
                self.note(Fact::StepFailed { step, failure: Failure::permanent(code::CHILD_FAILED, message) })
            }
        }
    }

    /// Stops all children: the execution is about to end.
    pub(super) async fn stop_children(&mut self) -> Result<(), Stop> {
        for (step, execution) in self.state.children() {
            // From here on something has happened that the wish of a caller was for.
            self.rested = false;
            self.stop_child(step, execution).await?;
        }
        Ok(())
    }

    /// Tells the step that waits for this execution that it has ended.
    pub(super) fn tell_parent(&self) {
        if let Some(parent) = &self.state.parent {
            // When the host stops, the parent looks by itself at the next start.
            let _ = deliver(&self.host, parent.execution, Command::ChildEnded);
        }
    }
}

async fn cancel(
    host: &Arc<Host>,
    execution: ExecutionId,
    who: &Actor,
    reason: &str,
) -> Result<(), EngineError> {
    let (reply, done) = oneshot::channel();
    let (control, reason) = (Control::Cancel { compensate: true }, Some(reason.to_owned()));
    deliver(host, execution, Command::Control { control, reason, who: Arc::clone(who), reply })?;
    done.await.map_err(|_| host.gone())?.map(drop)
}

fn refused(playbook: &PlaybookName, error: &EngineError) -> Failure {
    Failure::permanent(code::CHILD_FAILED, format!("playbook `{playbook}` cannot be started: {error}"))
}

/// What a child that ended means for its step.
fn outcome(child: &Summary) -> Result<Arc<Value>, Failure> {
    if child.status == Status::Succeeded {
        return Ok(child.output.clone().unwrap_or_default());
    }
    let words = format!("the child {} ended {}", child.id, child.status.as_str());
    Err(match &child.failure {
        Some(failure) => {
            let mut failure = failure.clone();
            failure.causes.insert(0, words);
            failure
        }
        None => Failure::permanent(code::CHILD_FAILED, words),
    })
}

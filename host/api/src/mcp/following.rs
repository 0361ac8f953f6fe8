//! Waiting for an execution on behalf of a request: until it ends or asks, with notices of its progress.

use orgata_engine::Watch;
use orgata_model::execution::{Event, Fact, Seq, Summary};
use orgata_model::{ExecutionId, InterventionId};
use rmcp::model::{ProgressNotificationParam, ProgressToken};
use tokio::time::{Instant, timeout_at};

use super::call::Call;
use crate::error::ApiError;

/// Where the waiting stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Halt {
    /// The execution ended.
    Ended,
    /// It asked something.
    Asked,
    /// Time ran out, or the client went away.
    Elapsed,
}

/// An execution that a request waits for.
pub(super) struct Following<'c> {
    call: &'c Call,
    watch: Watch,
    progress: Option<Progress>,
}

impl<'c> Following<'c> {
    /// Begins with the execution's first event: nothing is missed. The client was told of those up to `told` before.
    pub(super) async fn new(call: &'c Call, execution: &Summary, told: Seq) -> Result<Self, ApiError> {
        let watch = call.engine().watch(&call.who, execution.id, 0).await?;
        let token = call.context.meta.get_progress_token();
        let progress = token.map(|token| Progress { token, told, done: 0, total: execution.steps_total });
        Ok(Self { call, watch, progress })
    }

    /// Waits until something is to be done, `until` then at most.
    pub(super) async fn until(&mut self, until: Instant) -> Result<Halt, ApiError> {
        loop {
            let next = tokio::select! {
                next = timeout_at(until, self.watch.next()) => next,
                () = self.call.context.ct.cancelled() => return Ok(Halt::Elapsed),
                () = self.call.app.closing().cancelled() => return Ok(Halt::Elapsed),
            };
            let Ok(event) = next else { return Ok(Halt::Elapsed) };
            let Some(event) = event? else { return Ok(Halt::Ended) };
            self.tell(&event).await;
            if let Fact::InterventionRequired { .. } = event.fact {
                return Ok(Halt::Asked);
            }
        }
    }

    async fn tell(&mut self, event: &Event) {
        let Some(notice) = self.progress.as_mut().and_then(|progress| progress.of(event)) else { return };
        // Whoever does not hear of the progress will hear of the result.
        let _ = self.call.context.peer.notify_progress(notice).await;
    }
}

/// How far the client was told that it has come.
struct Progress {
    token: ProgressToken,
    told: Seq,
    done: u32,
    total: u32,
}

impl Progress {
    /// What to tell of an event, if it is worth telling. What is told only grows.
    fn of(&mut self, event: &Event) -> Option<ProgressNotificationParam> {
        let message = match &event.fact {
            Fact::StepCompleted { step, .. } => format!("step {step} is done"),
            Fact::StepSkipped { step, .. } => format!("step {step} is skipped"),
            Fact::StepFailed { step, failure, .. } => format!("step {step} failed: {}", failure.message),
            _ => return None,
        };
        self.done += 1;
        if event.seq <= self.told {
            return None;
        }
        let notice = ProgressNotificationParam::new(self.token.clone(), f64::from(self.done));
        // Iterations count too, so a loop may have more of them than the playbook has steps.
        let notice = if self.done <= self.total { notice.with_total(f64::from(self.total)) } else { notice };
        Some(notice.with_message(message))
    }
}

/// Waits until a question is closed, by whomever.
pub(super) async fn closed(call: &Call, id: ExecutionId, asked: InterventionId) -> Result<(), ApiError> {
    let engine = call.engine();
    let version = engine.execution(&call.who, id).await?.version;
    let mut watch = engine.watch(&call.who, id, version + 1).await?;
    loop {
        let open = engine.pending_interventions(&call.who, id).await?;
        if !open.iter().any(|pending| pending.intervention.id == asked) || watch.next().await?.is_none() {
            return Ok(());
        }
    }
}

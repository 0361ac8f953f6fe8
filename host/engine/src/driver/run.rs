//! The loop: commands first, then whatever is ready, then rest.

use std::sync::{Arc, PoisonError};

use orgata_model::ExecutionId;
use orgata_model::InterventionId;
use orgata_model::execution::{Action, Fact, Question, Status};
use orgata_model::intervention::{Intervention, OnDeadline, Origin};
use tracing::debug;

use crate::host::Host;

use super::Driver;
use super::commit::Stop;

/// Whether a driver that has nothing to do stays.
enum Rest {
    Stay,
    Leave,
}

/// Takes the driver off the list however it leaves, a panic included.
struct Residence {
    host: Arc<Host>,
    id: ExecutionId,
    left: bool,
}

impl Drop for Residence {
    fn drop(&mut self) {
        if !self.left {
            self.host.residents.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.id);
        }
    }
}

impl Driver {
    /// Drives the execution until it ends, waits for long, or the host stops.
    pub(super) async fn run(mut self) {
        let mut residence = Residence { host: Arc::clone(&self.host), id: self.state.id, left: false };
        match self.drive().await {
            Ok(()) => residence.left = true,
            Err(Stop::Host) => {}
            Err(Stop::Fault(error)) => self.leave_with(&error),
        }
    }

    async fn drive(&mut self) -> Result<(), Stop> {
        if self.caller.as_ref().is_some_and(|caller| caller.acknowledge) {
            self.commit().await?;
        }
        self.pick_up().await?;
        loop {
            while let Ok(command) = self.inbox.try_recv() {
                self.obey(command).await?;
            }
            if self.host.stopping.is_cancelled() {
                self.commit().await?;
                return Err(Stop::Host);
            }
            let now = self.host.clock.now();
            if self.flush_at().is_some_and(|due| due <= now) {
                self.commit().await?;
            }
            match self.state.ready(now) {
                Some(action) => {
                    if self.urgent && !sees_to_commit(&action) {
                        self.commit().await?;
                    }
                    self.act(action).await?;
                }
                None => {
                    if let Rest::Leave = self.rest().await? {
                        return Ok(());
                    }
                }
            }
            // A long playbook of quick steps must not keep others from the processor.
            tokio::task::coop::consume_budget().await;
        }
    }

    async fn act(&mut self, action: Action) -> Result<(), Stop> {
        match action {
            Action::Run { step, attempt, input, resumption } => self.attempt(step, attempt, input, resumption).await,
            Action::Recover { step, attempt, input, resumption } => {
                self.recover(step, attempt, input, resumption).await
            }
            Action::Skip(step) => self.note(Fact::StepSkipped { step }),
            Action::Ask(question) => self.ask(question),
            Action::Complete(step, result) => self.note(Fact::StepCompleted { step, result }),
            Action::FailStep(step, failure) => self.note(Fact::StepFailed { step, failure }),
            Action::Expire(intervention, step) => self.note(Fact::InterventionExpired { intervention, step }),
            Action::TimeOut => self.note(Fact::ExecutionTimedOut {}),
            Action::Finish(output) => self.note(Fact::ExecutionCompleted { output }),
            Action::Fail(step, failure) => self.note(Fact::ExecutionFailed { step, failure }),
        }
    }

    fn ask(&mut self, question: Question) -> Result<(), Stop> {
        let (after, on_deadline) = match question.deadline {
            Some((after, then)) => (Some(after), then),
            None => (None, OnDeadline::Fail),
        };
        let deadline = after.and_then(|after| self.host.clock.now().checked_add(after).ok());
        let intervention = Intervention {
            id: self.fresh_intervention(),
            step: question.step,
            kind: question.kind,
            prompt: question.prompt,
            options: question.options,
            response_schema: question.response_schema.map(|schema| (*schema).clone()),
            assignee_role: question.assignee_role,
            context: question.context,
            deadline,
            on_deadline,
            origin: Origin::Step,
        };
        self.note(Fact::InterventionRequired { intervention })
    }

    pub(super) fn fresh_intervention(&self) -> InterventionId {
        InterventionId::new(self.host.clock.fresh_id())
    }

    /// Nothing is ready: make everything durable, tell who waits for that, and stay only for short waits.
    async fn rest(&mut self) -> Result<Rest, Stop> {
        self.commit().await?;
        let status = self.state.status();
        if status.is_end() || matches!(status, Status::Waiting | Status::Paused) {
            self.tell_caller();
        }
        if status.is_end() {
            metrics::counter!("orgata_executions_ended_total", "status" => status.as_str()).increment(1);
            debug!(status = status.as_str(), "execution ended");
        }
        let wakes_at = self.state.wakes_at();
        let soon = self.host.clock.now() + self.host.settings.stay_awake.0;
        if let Some(at) = wakes_at.filter(|at| *at <= soon) {
            return self.doze(at).await;
        }
        let mut residents = self.host.residents.lock().unwrap_or_else(PoisonError::into_inner);
        if !self.inbox.is_empty() {
            return Ok(Rest::Stay);
        }
        residents.remove(&self.state.id);
        drop(residents);
        if let Some(at) = wakes_at {
            self.host.expect_wake(at);
        }
        Ok(Rest::Leave)
    }

    async fn doze(&mut self, until: jiff::Timestamp) -> Result<Rest, Stop> {
        tokio::select! {
            command = self.inbox.recv() => {
                if let Some(command) = command {
                    self.obey(command).await?;
                }
            }
            () = self.host.clock.sleep_until(until) => {}
            () = self.host.stopping.cancelled() => {}
        }
        Ok(Rest::Stay)
    }
}

/// Whether doing this makes everything before it durable anyway, or sees to it itself.
fn sees_to_commit(action: &Action) -> bool {
    matches!(
        action,
        Action::Finish(_) | Action::Fail(..) | Action::TimeOut | Action::Ask(_) | Action::Run { .. } | Action::Recover { .. }
    )
}

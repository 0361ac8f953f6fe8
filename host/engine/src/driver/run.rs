//! The loop: commands first, then whatever is ready, then rest.

use std::sync::Arc;

use orgata_model::ExecutionId;
use orgata_model::InterventionId;
use orgata_model::execution::{Action, Fact, Question, Status, StepState};
use orgata_model::intervention::{Intervention, OnDeadline, Origin};

use crate::host::Host;

use super::commit::Stop;
use super::step::sleep_until;
use super::{Caller, Driver};

/// Whether a driver that has nothing to do stays.
enum Rest {
    Stay,
    Leave,
}

/// Takes the driver off the list however it leaves, a panic included. It must go before the driver's inbox does:
/// a sender on the list whose inbox is gone makes room for another driver.
pub(super) struct Residence {
    host: Arc<Host>,
    id: ExecutionId,
    left: bool,
}

impl Residence {
    pub(super) fn new(host: &Arc<Host>, id: ExecutionId) -> Self {
        Self { host: Arc::clone(host), id, left: false }
    }

    /// Off the list now.
    pub(super) fn leave(&mut self) {
        if !std::mem::replace(&mut self.left, true) {
            self.host.residents().remove(&self.id);
        }
    }

    /// Somebody else sees to it, or has done so.
    pub(super) fn pass_on(mut self) {
        self.left = true;
    }
}

impl Drop for Residence {
    fn drop(&mut self) {
        self.leave();
    }
}

impl Driver {
    /// Drives the execution until it ends, waits for long, or the host stops.
    pub(super) async fn run(mut self) {
        let residence = Residence::new(&self.host, self.state.id);
        match self.drive().await {
            Ok(()) => residence.pass_on(),
            Err(Stop::Host) => {}
            Err(Stop::Fault(error)) => {
                self.leave_with(&error);
                residence.pass_on();
            }
        }
    }

    async fn drive(&mut self) -> Result<(), Stop> {
        if self.caller.as_ref().is_some_and(|caller| caller.acknowledge) {
            self.commit().await?;
        }
        loop {
            while let Ok(command) = self.inbox.try_recv() {
                self.obey(command).await?;
            }
            if self.host.stopping.is_cancelled() {
                self.commit().await?;
                self.tell_caller();
                return Err(Stop::Host);
            }
            let now = self.host.clock.now();
            if self.flush_at().is_some_and(|due| due <= now) {
                self.commit().await?;
            }
            let picks_up = self.left_over && !self.state.paused && self.was_cut_off();
            let action = if picks_up { None } else { self.state.ready(now) };
            let works = picks_up || matches!(action, Some(Action::Run { .. } | Action::Recover { .. }));
            let overdue = self.state.deadline.is_some_and(|deadline| deadline <= now);
            if works && !overdue && self.place.is_none() {
                self.wait_for_place().await?;
                continue;
            }
            self.left_over &= self.state.paused;
            if picks_up {
                self.pick_up().await?;
                continue;
            }
            match action {
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

    /// Whether a step was at work when the host stopped.
    fn was_cut_off(&self) -> bool {
        self.state.end.is_none() && matches!(self.state.current(), Some((_, StepState::Running { .. })))
    }

    /// Takes a place among the executions at work. While there is none, it does what callers ask.
    async fn wait_for_place(&mut self) -> Result<(), Stop> {
        self.commit().await?;
        let places = Arc::clone(&self.host.places);
        let clock = Arc::clone(&self.host.clock);
        tokio::select! {
            biased;
            place = places.acquire_owned() => self.place = place.ok(),
            Some(command) = self.inbox.recv() => self.obey(command).await?,
            () = sleep_until(&*clock, self.state.deadline) => {}
            () = self.host.stopping.cancelled() => {}
        }
        Ok(())
    }

    async fn act(&mut self, action: Action) -> Result<(), Stop> {
        match action {
            Action::Run { step, attempt, input, resumption } => {
                self.attempt(step, attempt, input, resumption).await
            }
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
        let wakes_at = self.state.wakes_at();
        let soon = self.host.clock.now() + self.host.settings.stay_awake.0;
        // Whoever waits for it to settle waits for this driver.
        let waited_for = self.caller.is_some();
        if let Some(at) = wakes_at.filter(|at| waited_for || *at <= soon) {
            return self.doze(at).await;
        }
        let mut residents = self.host.residents();
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
            () = nobody_waits(&mut self.caller) => self.caller = None,
            () = self.host.clock.sleep_until(until) => {}
            () = self.host.stopping.cancelled() => {}
        }
        Ok(Rest::Stay)
    }
}

/// Returns once whoever waited has gone away; never when nobody waited.
async fn nobody_waits(caller: &mut Option<Caller>) {
    match caller {
        Some(caller) => caller.reply.closed().await,
        None => std::future::pending().await,
    }
}

/// Whether doing this makes everything before it durable anyway, or sees to it itself.
fn sees_to_commit(action: &Action) -> bool {
    matches!(
        action,
        Action::Finish(_)
            | Action::Fail(..)
            | Action::TimeOut
            | Action::Ask(_)
            | Action::Run { .. }
            | Action::Recover { .. }
    )
}

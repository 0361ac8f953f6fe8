//! The loop: commands first, then whatever is ready, then what is under way, then rest.

use std::sync::Arc;

use jiff::Timestamp;
use orgata_model::ExecutionId;
use orgata_model::execution::{Action, Fact, Stage, Status};
use tokio::sync::mpsc;

use crate::error::EngineError;
use crate::host::Host;
use crate::ports::StoreError;

use super::calls::News;
use super::commit::Stop;
use super::step::Launched;
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
            Err(Stop::Unkept(error)) => {
                self.leave_unkept(&error);
                residence.pass_on();
            }
        }
    }

    async fn drive(&mut self) -> Result<(), Stop> {
        if self.caller.as_ref().is_some_and(|caller| caller.acknowledge) {
            self.commit().await?;
        }
        if self.left_over {
            self.look_after_children().await?;
        }
        loop {
            while let Ok(command) = self.inbox.try_recv() {
                self.obey(command).await?;
            }
            if self.host.settings.forgetful {
                self.forget().await?;
            }
            if std::mem::take(&mut self.look_again) {
                self.look_after_children().await?;
            }
            self.stop_what_is_over();
            self.note_asked()?;
            self.pass_turns_on();
            let stopping = self.host.stopping.is_cancelled();
            if stopping && self.calls.is_empty() {
                self.commit().await?;
                self.tell_caller();
                return Err(Stop::Host);
            }
            let now = self.host.clock.now();
            if self.flush_at().is_some_and(|due| due <= now) {
                self.commit().await?;
            }
            // A host that stops begins nothing; what is under way may finish.
            if !stopping && self.begin_something(now).await? {
                // A long playbook of quick steps must not keep others from the processor.
                tokio::task::coop::consume_budget().await;
                continue;
            }
            if let Launched::AskedMeanwhile = self.launch().await? {
                continue;
            }
            if !self.calls.is_empty() {
                self.attend(now, stopping).await?;
            } else if let Rest::Leave = self.rest(now).await? {
                return Ok(());
            }
        }
    }

    /// Comes back from the store, as it would after leaving memory. What is at work cannot be forgotten.
    async fn forget(&mut self) -> Result<(), Stop> {
        let idle = self.calls.is_empty() && self.planned.is_empty() && !self.left_over;
        if !idle || (self.uncommitted.is_empty() && self.remembered == self.state.version) {
            return Ok(());
        }
        self.commit().await?;
        let stored = match super::load(&self.host, self.state.id).await {
            Err(EngineError::Store(StoreError::Unavailable(_))) => return Ok(()),
            stored => stored?,
        };
        if format!("{stored:?}") != format!("{:?}", self.state) {
            let differ = format!("{stored:?} is stored, {:?} is live", self.state);
            return Err(Stop::Fault(EngineError::Internal(differ)));
        }
        self.state = stored;
        self.remembered = self.state.version;
        (self.session, self.left_over) = (None, true);
        self.plugins.clear();
        self.look_after_children().await
    }

    /// Stops calls whose outcome nobody waits for.
    fn stop_what_is_over(&mut self) {
        if self.calls.is_empty() && self.planned.is_empty() {
            return;
        }
        let unwinds = self.state.cause().is_some() && !self.calls.undoes();
        let of_steps =
            self.planned.iter().any(|planned| matches!(planned.purpose, super::calls::Purpose::Step(_)));
        if self.state.end.is_some() || (unwinds && (of_steps || !self.calls.is_empty())) {
            self.calls.clear();
            self.planned.clear();
        }
    }

    /// Does the next thing that is ready. `false`: there is none.
    async fn begin_something(&mut self, now: Timestamp) -> Result<bool, Stop> {
        let picks_up = self.left_over && !self.state.paused && self.was_cut_off();
        let action = if picks_up { None } else { self.state.ready(now) };
        let overdue = self.state.deadline.is_some_and(|deadline| deadline <= now);
        let over =
            self.state.end.is_some() || self.state.cause().is_some() || self.state.cancelling.is_some();
        let urgent = overdue || over;
        if !self.admitted && !urgent && !self.may_begin().await? {
            return Ok(false);
        }
        let works = matches!(action, Some(Action::Run { .. } | Action::Recover { .. } | Action::Undo { .. }))
            || picks_up;
        if works && !overdue && self.place.is_none() {
            self.wait_for_place().await?;
            return Ok(true);
        }
        self.left_over &= self.state.paused;
        if picks_up {
            self.pick_up().await?;
            self.pick_up_undo().await?;
            return Ok(true);
        }
        let Some(action) = action else { return Ok(false) };
        let version = self.state.version;
        if !self.has_turn(&action)? {
            // Its key was none: something happened. Otherwise it waits.
            return Ok(self.state.version > version);
        }
        self.act(action).await?;
        Ok(true)
    }

    /// Whether a step was at work when the host stopped.
    fn was_cut_off(&self) -> bool {
        if self.state.end.is_some() {
            return false;
        }
        match self.state.cause() {
            // It ends, whatever was at work.
            None if self.state.cancelling.is_some() => false,
            Some(_) => matches!(self.state.unwinding.stage, Stage::Running { .. }),
            None => !self.state.running().is_empty(),
        }
    }

    /// Takes a place among the executions at work. While there is none, it does what callers ask.
    async fn wait_for_place(&mut self) -> Result<(), Stop> {
        self.commit().await?;
        let (places, priority) = (Arc::clone(&self.host.places), self.state.playbook.priority);
        let clock = Arc::clone(&self.host.clock);
        tokio::select! {
            biased;
            place = places.take(priority) => self.place = Some(place),
            Some(command) = self.inbox.recv() => self.obey(command).await?,
            () = sleep_until(&*clock, self.state.deadline) => {}
            () = self.host.stopping.cancelled() => {}
        }
        Ok(())
    }

    async fn act(&mut self, action: Action) -> Result<(), Stop> {
        match action {
            Action::Record(fact) => self.note_as_wished(fact),
            Action::Run { at, step, attempt } => self.attempt(at, step, attempt).await,
            Action::Recover { at, step, attempt } => self.recover(at, step, attempt).await,
            Action::Ask(question) => self.ask(*question),
            Action::StartChild { step, attempt, playbook, input } => {
                self.start_child(step, attempt, playbook, input).await
            }
            Action::StopChild { step, execution } => self.stop_child(step, execution).await,
            Action::Undo { at, step, attempt, input } => self.undo(at, step, attempt, input).await,
        }
    }

    /// Looks after everything while calls are under way. At `looked` nothing was ready: what was due then waits for
    /// something else.
    async fn attend(&mut self, looked: Timestamp, stopping: bool) -> Result<(), Stop> {
        /// What happens first.
        enum Happened {
            News(News),
            Asked(super::Command),
            Model(Box<Fact>),
            Due,
            Flush,
            Nothing,
        }
        let clock = Arc::clone(&self.host.clock);
        let flush_at = self.flush_at();
        let wakes_at = self.state.wakes_at().filter(|at| *at > looked && !stopping);
        let due = self.calls.due();
        let happened = tokio::select! {
            biased;
            news = self.calls.news(|| clock.now()) => Happened::News(news),
            Some(fact) = next(&mut self.asked) => Happened::Model(Box::new(fact)),
            Some(command) = self.inbox.recv() => Happened::Asked(command),
            () = self.turns.comes() => Happened::Nothing,
            () = sleep_until(&*clock, due) => Happened::Due,
            () = sleep_until(&*clock, flush_at) => Happened::Flush,
            () = sleep_until(&*clock, wakes_at) => Happened::Nothing,
            () = self.host.stopping.cancelled(), if !stopping => Happened::Nothing,
            () = self.host.given_up.cancelled() => return Err(Stop::Host),
        };
        match happened {
            Happened::News(News::Ended(flight, report)) => self.ended(flight, report),
            Happened::News(News::Progress(step, report)) => {
                let undo = self.calls.undoes();
                self.progressed(&step, report, undo)
            }
            Happened::Asked(command) => self.obey(command).await,
            Happened::Model(fact) => self.note(*fact),
            Happened::Due => {
                let undo = self.calls.undoes();
                let held = self.calls.held(clock.now());
                held.into_iter().try_for_each(|(step, report)| self.progressed(&step, report, undo))
            }
            Happened::Flush => self.commit().await,
            Happened::Nothing => Ok(()),
        }
    }

    /// Nothing was ready at `looked`: make everything durable, tell who waits for that, and stay only for short waits.
    async fn rest(&mut self, looked: Timestamp) -> Result<Rest, Stop> {
        self.commit().await?;
        let status = self.state.status();
        let asks = status == Status::Waiting && !self.state.open.is_empty();
        if status.is_end() || status == Status::Paused || asks {
            self.tell_caller();
        }
        // What came due meanwhile wakes it at once.
        let wakes_at = self.state.wakes_at().filter(|at| *at > looked);
        let soon = self.host.clock.now() + self.host.settings.stay_awake.0;
        // Whoever waits for it to settle waits for this driver.
        let stays = self.host.settings.resident && !status.is_end();
        if stays || self.turns.waits() || self.caller.is_some() || wakes_at.is_some_and(|at| at <= soon) {
            return self.doze(wakes_at).await;
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

    async fn doze(&mut self, until: Option<Timestamp>) -> Result<Rest, Stop> {
        // Others may work meanwhile: what it waits for may be one of them.
        self.place = None;
        let clock = Arc::clone(&self.host.clock);
        tokio::select! {
            biased;
            command = self.inbox.recv() => {
                if let Some(command) = command {
                    self.obey(command).await?;
                }
            }
            () = self.turns.comes() => {}
            () = nobody_waits(&mut self.caller) => self.caller = None,
            () = sleep_until(&*clock, until) => {}
            () = self.host.stopping.cancelled() => {}
        }
        Ok(Rest::Stay)
    }
}

/// What comes next; never when nobody could send it.
async fn next(asked: &mut Option<mpsc::UnboundedReceiver<Fact>>) -> Option<Fact> {
    match asked {
        Some(asked) => asked.recv().await,
        None => std::future::pending().await,
    }
}

/// Sleeps until then; for ever when there is no such time.
async fn sleep_until(clock: &dyn crate::ports::Clock, at: Option<Timestamp>) {
    match at {
        Some(at) => clock.sleep_until(at).await,
        None => std::future::pending().await,
    }
}

/// Returns once whoever waited has gone away; never when nobody waited.
async fn nobody_waits(caller: &mut Option<Caller>) {
    match caller {
        Some(caller) => caller.reply.closed().await,
        None => std::future::pending().await,
    }
}

//! One attempt of one operation, and what is recorded of it.

use std::sync::Arc;
use std::time::Duration;

use orgata_model::execution::{Fact, Resumption, StepState};
use orgata_model::failure::code;
use orgata_model::intervention::{Intervention, OnDeadline, Origin};
use orgata_model::operation::{EffectClass, Operation};
use orgata_model::playbook::{Step, Work};
use orgata_model::retry::dice;
use orgata_model::{Failure, StepName};
use serde_json::Value;
use tokio::sync::mpsc;

use crate::answers;
use crate::ports::{
    Call, CallReport, LogLevel, Outcome, Progress, Question, Resume, Session, SessionContext,
};

use super::Driver;
use super::commit::Stop;
use super::pace::Pace;

/// Progress reports that may wait to be recorded.
const PROGRESS_BACKLOG: usize = 16;

/// An attempt, with everything that it needs.
struct Attempt<'p> {
    step: &'p Step,
    operation: Arc<Operation>,
    attempt: u32,
    input: Arc<Value>,
    resumption: Option<Resumption>,
}

impl Driver {
    /// Begins an attempt and sees it through.
    pub(super) async fn attempt(
        &mut self,
        step: usize,
        attempt: u32,
        input: Arc<Value>,
        resumption: Option<Resumption>,
    ) -> Result<(), Stop> {
        let playbook = Arc::clone(&self.state.playbook);
        let Some(step) = playbook.steps.get(step) else { return Ok(()) };
        let operation = match self.operation(step).await {
            Ok(operation) => operation,
            Err(failure) => return self.note(Fact::StepFailed { step: step.name.clone(), failure }),
        };
        if self.urgent && operation.effect != EffectClass::Effectful {
            // An effectful step commits before it runs: then the result before it and its start share a commit.
            self.commit().await?;
        }
        self.note(match &resumption {
            Some(_) => Fact::StepResumed { step: step.name.clone(), attempt },
            None => Fact::StepStarted {
                step: step.name.clone(),
                attempt,
                operation: operation.name.clone(),
                input: Arc::clone(&input),
            },
        })?;
        self.run_attempt(Attempt { step, operation, attempt, input, resumption }).await
    }

    /// What a step that was at work when the host stopped needs: a pure one simply runs again; of an
    /// effectful one nobody knows whether its effect happened, and that is recorded.
    pub(super) async fn pick_up(&mut self) -> Result<(), Stop> {
        if self.state.end.is_some() {
            return Ok(());
        }
        let playbook = Arc::clone(&self.state.playbook);
        let Some((step, StepState::Running { attempt, input, resumption })) = self.state.current() else {
            return Ok(());
        };
        let (attempt, input, resumption) = (*attempt, Arc::clone(input), resumption.clone());
        let Some((_, step)) = playbook.step(&step.name) else { return Ok(()) };
        let operation = match self.operation(step).await {
            Ok(operation) => operation,
            Err(failure) => return self.note(Fact::StepFailed { step: step.name.clone(), failure }),
        };
        if operation.effect == EffectClass::Effectful {
            return self.note(Fact::StepInterrupted { step: step.name.clone(), attempt });
        }
        self.run_attempt(Attempt { step, operation, attempt, input, resumption }).await
    }

    /// Runs an interrupted effectful attempt again, with the same idempotency key, where that is safe;
    /// otherwise asks an operator.
    pub(super) async fn recover(
        &mut self,
        step: usize,
        attempt: u32,
        input: Arc<Value>,
        resumption: Option<Resumption>,
    ) -> Result<(), Stop> {
        let playbook = Arc::clone(&self.state.playbook);
        let Some(found) = playbook.steps.get(step) else { return Ok(()) };
        let operation = self.operation(found).await.ok();
        let idempotent = operation.as_ref().is_some_and(|operation| operation.idempotent);
        if idempotent || attempt <= found.retries.max {
            return self.attempt(step, attempt + 1, input, resumption).await;
        }
        let output = operation.map(|operation| Arc::clone(&operation.output_schema));
        let (options, origin) = answers::interrupted_options();
        let prompt = format!(
            "The host stopped while step `{}` was at work, and its operation does not say that running twice is \
             safe. Look whether its effect happened: `retry` runs it again, `complete` takes the `result` that \
             you give, `fail` gives the step up.",
            found.name
        );
        self.note(Fact::InterventionRequired {
            intervention: Intervention {
                id: self.fresh_intervention(),
                step: found.name.clone(),
                kind: "failure_handling".to_owned(),
                prompt,
                options,
                response_schema: Some(answers::interrupted_schema(output.as_deref())),
                assignee_role: found.role.clone(),
                context: Some(serde_json::json!({ "input": input, "attempt": attempt })),
                deadline: None,
                on_deadline: OnDeadline::Fail,
                origin,
            },
        })
    }

    /// The operation that a step runs, in the version that the execution keeps.
    async fn operation(&mut self, step: &Step) -> Result<Arc<Operation>, Failure> {
        let Work::Operation { operation: name, .. } = &step.work else {
            return Err(Failure::permanent(code::INTERNAL, "the step runs no operation"));
        };
        let gone =
            || Failure::permanent(code::PLUGIN_GONE, format!("the execution keeps no plugin with `{name}`"));
        let digest = *self.state.plugins.get(&name.plugin).ok_or_else(gone)?;
        if !self.plugins.iter().any(|plugin| plugin.digest == digest) {
            self.plugins.push(self.host.operations.plugin(digest).await?);
        }
        let plugin = self.plugins.iter().find(|plugin| plugin.digest == digest);
        plugin.and_then(|plugin| plugin.operation(&name.operation)).cloned().ok_or_else(gone)
    }

    async fn run_attempt(&mut self, attempt: Attempt<'_>) -> Result<(), Stop> {
        let effectful = attempt.operation.effect == EffectClass::Effectful;
        if effectful {
            // Nothing leaves the host before everything that it depends on is durable.
            self.commit().await?;
        }
        let Some(report) = self.call(&attempt).await? else { return Ok(()) };
        self.urgent |= effectful;
        self.pass_on_log(&attempt.step.name, &report);
        let outcome = if report.outcome.is_ok() { "done" } else { "failed" };
        metrics::counter!("orgata_steps_total", "outcome" => outcome).increment(1);
        match report.outcome {
            Ok(Outcome::Done(result)) => {
                self.note(Fact::StepCompleted { step: attempt.step.name.clone(), result })
            }
            Ok(Outcome::Ask(question)) => self.ask_for_operation(attempt.step, question),
            Err(failure) => self.failed(attempt.step, attempt.attempt, failure),
        }
    }

    /// Runs the call, and looks after everything else meanwhile. `None`: the execution ended over it.
    async fn call(&mut self, attempt: &Attempt<'_>) -> Result<Option<CallReport>, Stop> {
        // What was asked while its start became durable comes before the effect.
        while let Ok(command) = self.inbox.try_recv() {
            self.obey(command).await?;
            if self.state.end.is_some() {
                return Ok(None);
            }
        }
        let session = self.take_session();
        let (sender, mut progress) = self.take_progress();
        let mut call = session.call(self.describe(attempt, sender.clone()));
        let mut pace = Pace::new();
        let report = loop {
            let flush_at = self.flush_at();
            let clock = Arc::clone(&self.host.clock);
            tokio::select! {
                biased;
                report = &mut call => break Some(report),
                Some(command) = self.inbox.recv() => {
                    self.obey(command).await?;
                    if self.state.end.is_some() {
                        break None;
                    }
                }
                Some(report) = progress.recv() => {
                    if let Some(report) = pace.admit(report, clock.now()) {
                        self.progressed(&attempt.step.name, report)?;
                    }
                    // A guest that reports without end is always ready, and so is its next report: without
                    // this the two would keep the thread to themselves.
                    tokio::task::yield_now().await;
                }
                () = sleep_until(&*clock, pace.due()) => {
                    if let Some(report) = pace.held(clock.now()) {
                        self.progressed(&attempt.step.name, report)?;
                    }
                }
                () = sleep_until(&*clock, flush_at) => self.commit().await?,
                () = sleep_until(&*clock, self.state.deadline) => {
                    if self.state.deadline.is_some_and(|deadline| deadline <= clock.now()) {
                        self.note(Fact::ExecutionTimedOut {})?;
                        break None;
                    }
                }
                () = self.host.given_up.cancelled() => return Err(Stop::Host),
            }
        };
        drop(call);
        if report.is_some() {
            // Reports that came with the end of the call still count; whatever a stopped call sent does not.
            let now = self.host.clock.now();
            while let Ok(report) = progress.try_recv() {
                if let Some(report) = pace.admit(report, now) {
                    self.progressed(&attempt.step.name, report)?;
                }
            }
            if let Some(report) = pace.last() {
                self.progressed(&attempt.step.name, report)?;
            }
        }
        self.session = Some(session);
        self.progress = Some((sender, progress));
        Ok(report)
    }

    fn describe(&self, attempt: &Attempt<'_>, progress: mpsc::Sender<Progress>) -> Call {
        Call {
            digest: attempt.operation.digest,
            operation: attempt.operation.name.clone(),
            step: attempt.step.name.clone(),
            attempt: attempt.attempt,
            idempotency_key: format!("{}/{}", self.state.id, attempt.step.name),
            role: attempt.step.role.clone(),
            started_at: self.state.updated_at,
            timeout: attempt.step.timeout,
            input: Arc::clone(&attempt.input),
            resume: attempt.resumption.as_ref().map(|resumption| Resume {
                state: resumption.state.clone(),
                answer: Arc::clone(&resumption.answer),
            }),
            progress: Some(progress),
        }
    }

    fn take_session(&mut self) -> Box<dyn Session> {
        if let Some(session) = self.session.take() {
            return session;
        }
        // A runtime that was retired keeps granting to what runs in it nothing: deny by default.
        let entry = self.entry.take().or_else(|| self.host.runtime(&self.state.runtime).ok());
        let (grants, config) =
            entry.map(|entry| (Arc::clone(&entry.grants), Arc::clone(&entry.config))).unwrap_or_default();
        self.host.operations.open(SessionContext {
            execution: self.state.id,
            runtime: self.state.runtime.clone(),
            environment: self.state.environment,
            grants,
            config,
        })
    }

    fn take_progress(&mut self) -> (mpsc::Sender<Progress>, mpsc::Receiver<Progress>) {
        self.progress.take().unwrap_or_else(|| mpsc::channel(PROGRESS_BACKLOG))
    }

    fn progressed(&mut self, step: &StepName, progress: Progress) -> Result<(), Stop> {
        // What is no number cannot be recorded: JSON has none of it.
        let fraction = if progress.fraction.is_nan() { 0.0 } else { progress.fraction.clamp(0.0, 1.0) };
        self.note(Fact::StepProgress { step: step.clone(), fraction, message: progress.message })
    }

    fn ask_for_operation(&mut self, step: &Step, question: Question) -> Result<(), Stop> {
        let deadline = question.timeout.and_then(|timeout| self.host.clock.now().checked_add(timeout).ok());
        self.note(Fact::InterventionRequired {
            intervention: Intervention {
                id: self.fresh_intervention(),
                step: step.name.clone(),
                kind: question.kind,
                prompt: question.prompt,
                options: question.options,
                response_schema: question.response_schema,
                assignee_role: question.assignee_role.or_else(|| step.role.clone()),
                context: None,
                deadline,
                on_deadline: OnDeadline::Fail,
                origin: Origin::Operation { resume_state: question.resume_state },
            },
        })
    }

    fn failed(&mut self, step: &Step, attempt: u32, failure: Failure) -> Result<(), Stop> {
        // The same execution, step and attempt wait the same time in every replay.
        let id = *self.state.id.uuid().as_bytes();
        let dice = dice(&[&id, step.name.as_str().as_bytes(), &attempt.to_le_bytes()]);
        let wait = step.retries.wait_after(attempt, &failure, dice);
        // Stores keep whole microseconds.
        let wait =
            wait.map(|wait| Duration::from_micros(u64::try_from(wait.as_micros()).unwrap_or(u64::MAX)));
        let at = wait.and_then(|wait| self.host.clock.now().checked_add(wait).ok());
        let step = step.name.clone();
        match at {
            Some(at) => self.note(Fact::StepRetryScheduled { step, attempt: attempt + 1, at, failure }),
            None => self.note(Fact::StepFailed { step, failure }),
        }
    }

    fn pass_on_log(&self, step: &StepName, report: &CallReport) {
        for line in &report.log {
            let fields = line.fields.as_ref().map(tracing::field::display);
            match line.level {
                LogLevel::Trace => {
                    tracing::trace!(target: "orgata::guest", %step, fields, "{}", line.message)
                }
                LogLevel::Debug => {
                    tracing::debug!(target: "orgata::guest", %step, fields, "{}", line.message)
                }
                LogLevel::Info => tracing::info!(target: "orgata::guest", %step, fields, "{}", line.message),
                LogLevel::Warn => tracing::warn!(target: "orgata::guest", %step, fields, "{}", line.message),
                LogLevel::Error => {
                    tracing::error!(target: "orgata::guest", %step, fields, "{}", line.message)
                }
            }
        }
        if report.log_dropped > 0 {
            tracing::warn!(target: "orgata::guest", %step, dropped = report.log_dropped, "lines over the log limit");
        }
    }
}

/// Sleeps until then; for ever when there is no such time.
pub(super) async fn sleep_until(clock: &dyn crate::ports::Clock, at: Option<jiff::Timestamp>) {
    match at {
        Some(at) => clock.sleep_until(at).await,
        None => std::future::pending().await,
    }
}

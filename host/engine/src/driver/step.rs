//! Attempts of operations, and what is recorded of them.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use orgata_model::execution::{Attempt, Fact};
use orgata_model::failure::code;
use orgata_model::operation::{EffectClass, Operation};
use orgata_model::playbook::{Step, Undo, Work};
use orgata_model::retry::{RetryPolicy, dice};
use orgata_model::sampling::ModelSource;
use orgata_model::{Failure, OperationName, StepPath};
use tokio::sync::mpsc;

use crate::ports::{Call, CallReport, LogLevel, Outcome, Progress, Resume, Session, SessionContext};
use crate::sampling::Sampling;

use super::Driver;
use super::calls::{Flight, Planned, Purpose};
use super::commit::Stop;

/// What came of beginning the calls that are planned.
pub(super) enum Launched {
    /// They are under way.
    All,
    /// Nothing began: look again at what is ready, for somebody asked for something.
    AskedMeanwhile,
}

impl Driver {
    /// Plans an attempt: it begins once nothing else is ready, together with all that are ready then.
    pub(super) async fn attempt(&mut self, at: usize, step: StepPath, attempt: Attempt) -> Result<(), Stop> {
        let operation = match self.operation_of(at).await {
            Ok(operation) => operation,
            Err(failure) => return self.note(Fact::StepFailed { step, failure }),
        };
        let cache = self.cache_of(at, &operation, &attempt);
        self.note(match &attempt.resumption {
            Some(_) => Fact::StepResumed { step: step.clone(), attempt: attempt.number },
            None => Fact::StepStarted {
                step: step.clone(),
                attempt: attempt.number,
                operation: operation.name.clone(),
                input: Arc::clone(&attempt.input),
            },
        })?;
        let known =
            cache.as_ref().and_then(|(rule, key)| self.host.results.get(key, *rule, self.host.clock.now()));
        if let Some(result) = known {
            self.turns.give_back(&step);
            return self.note(Fact::StepCompleted { step, result, cached: true });
        }
        let kept_by = cache.map(|(_, key)| key);
        self.planned.push(Planned { at, step, purpose: Purpose::Step(attempt), operation, kept_by });
        Ok(())
    }

    /// What steps that were at work when the host stopped need: pure ones simply run again; of an effectful one
    /// nobody knows whether its effect happened, and that is recorded.
    pub(super) async fn pick_up(&mut self) -> Result<(), Stop> {
        for (step, attempt) in self.state.running() {
            let Some((at, _)) = self.state.playbook.step(step.name()) else { continue };
            match self.operation_of(at).await {
                Ok(operation) if operation.effect == EffectClass::Effectful => {
                    self.note(Fact::StepInterrupted { step, attempt: attempt.number })?;
                }
                Ok(operation) => {
                    self.have_turn_again(&step).await?;
                    let kept_by = self.cache_of(at, &operation, &attempt).map(|(_, key)| key);
                    self.planned.push(Planned {
                        at,
                        step,
                        purpose: Purpose::Step(attempt),
                        operation,
                        kept_by,
                    });
                }
                Err(failure) => self.note(Fact::StepFailed { step, failure })?,
            }
        }
        Ok(())
    }

    /// Runs an interrupted effectful attempt again, with the same idempotency key, where that is safe;
    /// otherwise asks an operator.
    pub(super) async fn recover(&mut self, at: usize, step: StepPath, attempt: Attempt) -> Result<(), Stop> {
        let playbook = Arc::clone(&self.state.playbook);
        let Some(found) = playbook.steps.get(at) else { return Ok(()) };
        let operation = self.operation_of(at).await.ok();
        let idempotent = operation.as_ref().is_some_and(|operation| operation.idempotent);
        if idempotent || attempt.number <= found.retries.max {
            return self.attempt(at, step, Attempt { number: attempt.number + 1, ..attempt }).await;
        }
        self.ask_after_interruption(found, step, &attempt, operation.as_deref())
    }

    /// The operation that a step runs, in the version that the execution keeps.
    async fn operation_of(&mut self, at: usize) -> Result<Arc<Operation>, Failure> {
        let playbook = Arc::clone(&self.state.playbook);
        match playbook.steps.get(at).map(|step| &step.work) {
            Some(Work::Operation { operation, .. }) => self.operation(operation).await,
            _ => Err(Failure::permanent(code::INTERNAL, "the step runs no operation")),
        }
    }

    pub(super) async fn operation(&mut self, name: &OperationName) -> Result<Arc<Operation>, Failure> {
        let gone =
            || Failure::permanent(code::PLUGIN_GONE, format!("the execution keeps no plugin with `{name}`"));
        let digest = *self.state.plugins.get(&name.plugin).ok_or_else(gone)?;
        if !self.plugins.iter().any(|plugin| plugin.digest == digest) {
            self.plugins.push(self.host.operations.plugin(digest).await?);
        }
        let plugin = self.plugins.iter().find(|plugin| plugin.digest == digest);
        plugin.and_then(|plugin| plugin.operation(&name.operation)).cloned().ok_or_else(gone)
    }

    /// Begins the calls that are planned. Nothing leaves the host before everything that it depends on is durable;
    /// the start of one step and the result of the one before it share a commit.
    pub(super) async fn launch(&mut self) -> Result<Launched, Stop> {
        let effectful = |planned: &Planned| planned.operation.effect == EffectClass::Effectful;
        if self.urgent || self.planned.iter().any(effectful) {
            self.commit().await?;
            // What was asked meanwhile comes before the effect, and may have made it needless, or something else ready.
            let mut asked = false;
            while let Ok(command) = self.inbox.try_recv() {
                self.obey(command).await?;
                asked = true;
            }
            if asked {
                return Ok(Launched::AskedMeanwhile);
            }
        }
        let alone = self.planned.len() == 1 && self.calls.is_empty();
        for planned in std::mem::take(&mut self.planned) {
            let session = self.session();
            let call = self.describe(&planned);
            let lane = (!alone).then(|| self.lane());
            self.calls.begin(session, planned, lane.map(|lane| (&self.host.pool, lane)), call);
        }
        Ok(Launched::All)
    }

    fn describe(&self, planned: &Planned) -> impl FnOnce(mpsc::Sender<Progress>) -> Call + use<> {
        let step = self.state.playbook.steps.get(planned.at);
        let undo = step.and_then(|step| step.compensation.as_ref());
        let key = self.state.idempotency_key(&planned.step);
        let (attempt, input, resumption, timeout, key) = match &planned.purpose {
            Purpose::Step(attempt) => {
                let timeout = step.and_then(|step| step.timeout);
                (attempt.number, Arc::clone(&attempt.input), attempt.resumption.clone(), timeout, key)
            }
            Purpose::Undo(attempt) => {
                let input = self.state.unwinding.current().and_then(|undoing| undoing.input.clone().ok());
                let timeout = undo.and_then(|undo| undo.timeout);
                (*attempt, input.unwrap_or_default(), None, timeout, format!("{key}/compensation"))
            }
        };
        let (digest, operation) = (planned.operation.digest, planned.operation.name.clone());
        let iterations = planned.step.iterations().to_vec();
        let undoes = matches!(planned.purpose, Purpose::Undo(_));
        let (name, role) = (planned.step.name().clone(), step.and_then(|step| step.role.clone()));
        let started_at = self.state.updated_at;
        move |progress| Call {
            digest,
            operation,
            step: name,
            iterations,
            undoes,
            attempt,
            idempotency_key: key,
            role,
            started_at,
            timeout,
            input,
            resume: resumption
                .map(|resumption| Resume { state: resumption.state, answer: resumption.answer }),
            progress: Some(progress),
        }
    }

    fn session(&mut self) -> Arc<dyn Session> {
        if let Some(session) = &self.session {
            return Arc::clone(session);
        }
        // A runtime that was retired keeps granting to what runs in it nothing: deny by default.
        let entry = self.entry.take().or_else(|| self.host.runtime(&self.state.runtime).ok());
        let model = entry.as_ref().and_then(|entry| entry.runtime.model.clone());
        let model = model.map(|model| self.sampling(model));
        let (grants, config) =
            entry.map(|entry| (Arc::clone(&entry.grants), Arc::clone(&entry.config))).unwrap_or_default();
        let session: Arc<dyn Session> = self
            .host
            .operations
            .open(SessionContext {
                execution: self.state.id,
                runtime: self.state.runtime.clone(),
                environment: self.state.environment,
                grants,
                config,
                secrets: Arc::clone(&self.host.vault),
                states: Some(Arc::clone(&self.host.plugin_states)),
                model,
            })
            .into();
        self.session = Some(Arc::clone(&session));
        session
    }

    fn sampling(&mut self, source: ModelSource) -> Arc<Sampling> {
        let (sender, asked) = mpsc::unbounded_channel();
        self.asked = Some(asked);
        let made = self.state.model.requests;
        Arc::new(Sampling::new(source, &self.host.means(), self.state.id, made, Some(sender)))
    }

    /// Records what operations asked AI models. What is asked when the execution has ended has no place in its history.
    pub(super) fn note_asked(&mut self) -> Result<(), Stop> {
        while let Some(Ok(fact)) = self.asked.as_mut().map(mpsc::UnboundedReceiver::try_recv) {
            if self.state.end.is_none() {
                self.note(fact)?;
            }
        }
        Ok(())
    }

    /// A call ended.
    pub(super) fn ended(&mut self, mut flight: Box<Flight>, report: CallReport) -> Result<(), Stop> {
        let now = self.host.clock.now();
        let undo = matches!(flight.planned.purpose, Purpose::Undo(_));
        for progress in self.calls.last_reports(&mut flight, now) {
            self.progressed(&flight.planned.step.clone(), progress, undo)?;
        }
        self.note_asked()?;
        let planned = self.calls.put_back(*flight);
        self.turns.give_back(&planned.step);
        self.urgent |= planned.operation.effect == EffectClass::Effectful;
        self.pass_on_log(&planned.step, &report);
        let outcome = if report.outcome.is_ok() { "done" } else { "failed" };
        metrics::counter!("orgata_steps_total", "outcome" => outcome).increment(1);
        let playbook = Arc::clone(&self.state.playbook);
        let Some(step) = playbook.steps.get(planned.at) else { return Ok(()) };
        match planned.purpose {
            Purpose::Undo(attempt) => self.undone(step, planned.step, attempt, report.outcome),
            Purpose::Step(attempt) => match report.outcome {
                Ok(Outcome::Done(result)) => {
                    if let Some(key) = planned.kept_by {
                        self.host.results.put(key, &result, now);
                    }
                    self.note(Fact::StepCompleted { step: planned.step, result, cached: false })
                }
                Ok(Outcome::Ask(question)) => self.ask_for_operation(step, planned.step, question),
                Err(failure) => self.failed(step, planned.step, attempt.number, failure),
            },
        }
    }

    /// Records how far a call has come; of one that undoes, only the log tells.
    pub(super) fn progressed(&mut self, step: &StepPath, progress: Progress, undo: bool) -> Result<(), Stop> {
        if undo {
            tracing::debug!(%step, fraction = progress.fraction, "{}", progress.message);
            return Ok(());
        }
        // What is no number cannot be recorded: JSON has none of it.
        let fraction = if progress.fraction.is_nan() { 0.0 } else { progress.fraction.clamp(0.0, 1.0) };
        self.note(Fact::StepProgress { step: step.clone(), fraction, message: progress.message })
    }

    pub(super) fn failed(
        &mut self,
        step: &Step,
        path: StepPath,
        attempt: u32,
        failure: Failure,
    ) -> Result<(), Stop> {
        match self.next_try(&step.retries, &path.to_string(), attempt, &failure) {
            Some(at) => self.note(Fact::StepRetryScheduled { step: path, attempt: attempt + 1, at, failure }),
            None => self.note(Fact::StepFailed { step: path, failure }),
        }
    }

    /// When another attempt follows. The same execution, step and attempt wait the same time in every replay.
    pub(super) fn next_try(
        &self,
        policy: &RetryPolicy,
        of: &str,
        attempt: u32,
        failure: &Failure,
    ) -> Option<Timestamp> {
        let id = *self.state.id.uuid().as_bytes();
        let dice = dice(&[&id, of.as_bytes(), &attempt.to_le_bytes()]);
        let wait = policy.wait_after(attempt, failure, dice)?;
        // Stores keep whole microseconds.
        let wait = Duration::from_micros(u64::try_from(wait.as_micros()).unwrap_or(u64::MAX));
        self.host.clock.now().checked_add(wait).ok()
    }

    fn pass_on_log(&self, step: &StepPath, report: &CallReport) {
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

    /// What undoes a step, if an operation does.
    pub(super) fn undo_operation(&self, at: usize) -> Option<OperationName> {
        match &self.state.playbook.steps.get(at)?.compensation.as_ref()?.work {
            Undo::Operation(operation) => Some(operation.clone()),
            Undo::Mcp => None,
        }
    }
}

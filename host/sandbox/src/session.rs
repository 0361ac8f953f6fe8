//! The calls of one execution.
//!
//! Every call gets a fresh instance, but for `pure` plugins: one that has served a call without any trouble
//! waits in [`Session::warm`] for the next call of the same execution. No instance ever leaves its
//! execution, and none is used again after a trap, a limit or a failure.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use orgata_engine::grants::Lease;
use orgata_engine::ports::{self, Call, CallReport, Outcome, SessionContext};
use orgata_model::duration::DurationText;
use orgata_model::failure::code;
use orgata_model::operation::EffectClass;
use orgata_model::{Digest, Failure, FailureKind};
use tokio::sync::SemaphorePermit;

use crate::bindings::guest;
use crate::given::Given;
use crate::guest::{Guest, Scope};
use crate::host::{Host, IdlePlace};
use crate::instance::{Instance, Remains, Reply, Request};
use crate::limits::Limit;
use crate::log::Kept;
use crate::outcome::{Answer, understood};
use crate::trap;
use crate::version::{Code, Offered, Version};

/// How long the epochs get to stop a guest by themselves, which tells better where it was, before the call is
/// given up from outside.
const GRACE: Duration = Duration::from_millis(25);

/// A place for the calls of one execution.
pub(crate) struct Session {
    host: Arc<Host>,
    context: Arc<SessionContext>,
    /// The execution's id as guests see it.
    execution: String,
    /// Secrets that guests were given here, and must not tell.
    given: Arc<Given>,
    warm: Mutex<Vec<Warm>>,
}

/// An instance that waits for the next call.
struct Warm {
    digest: Digest,
    instance: Instance,
    _place: IdlePlace,
}

impl Session {
    pub(crate) fn new(host: Arc<Host>, context: SessionContext) -> Self {
        let execution = context.execution.to_string();
        Self {
            host,
            context: Arc::new(context),
            execution,
            given: Arc::default(),
            warm: Mutex::new(Vec::new()),
        }
    }

    async fn perform(&self, call: &Call, remains: &mut Remains) -> Result<Outcome, Failure> {
        let version = self.host.registry.version(call.digest).await?;
        let offered = version.offers(&call.operation)?;
        if call.resume.is_none() {
            offered.check_input(&call.input)?;
        }
        let texts = Texts::of(call, &version.code, &self.host)?;
        let lease = self.lease(&version)?;
        let _settled = lease.as_deref().map(Settled);
        let (_permit, time) = self.admitted(call).await?;
        let mut instance = self.instance(call, &version, lease.clone(), time.deadline);
        let request = self.request(call, &offered, &texts, &version.code, time.left());
        let patience = tokio::time::Instant::from_std(time.deadline + GRACE);
        let running = tokio::time::timeout_at(patience, instance.run(&version.code, offered.habit, request));
        let ended = unless_revoked(lease.as_deref(), running).await;
        *remains = instance.finish();
        let Some(ended) = ended else {
            // Now it is withheld, and why is told.
            drop(self.lease(&version)?);
            return Err(withheld(
                "what it was granted was revoked while it ran, and given back since".to_owned(),
            ));
        };
        let reply = match ended {
            Ok(Ok(reply)) => reply,
            Ok(Err(error)) => {
                return Err(self.explained(trap::failure(&error, remains, &self.host.settings), &time));
            }
            Err(_) => return Err(self.explained(Limit::Time.failure(&self.host.settings), &time)),
        };
        let outcome = settled(reply, &offered, &self.given)?;
        self.keep_warm(&version, instance);
        Ok(outcome)
    }

    /// Waits for its turn. The sandbox's own time begins after; the step's has begun already.
    async fn admitted(&self, call: &Call) -> Result<(SemaphorePermit<'_>, Time), Failure> {
        let began = Instant::now();
        let permit = match (self.host.places.try_acquire(), call.timeout) {
            (Ok(permit), _) => Ok(permit),
            (Err(_), None) => self.host.places.acquire().await.map_err(|_| ()),
            (Err(_), Some(timeout)) => {
                match tokio::time::timeout(timeout, self.host.places.acquire()).await {
                    Ok(permit) => permit.map_err(|_| ()),
                    Err(_) => Err(()),
                }
            }
        };
        match permit {
            Ok(permit) => Ok((permit, Time::of(call, began, self.host.settings.time))),
            Err(()) => Err(Failure::limit(
                FailureKind::Transient,
                "instances",
                &format!("{} at work at once", self.host.settings.instances),
                "all were busy for as long as the step may take; try again later, or raise sandbox.instances",
            )),
        }
    }

    /// What a call of this version may reach. What computes only needs none: it costs nothing.
    fn lease(&self, version: &Version) -> Result<Option<Arc<Lease>>, Failure> {
        if version.plugin.effect == EffectClass::Pure {
            return Ok(None);
        }
        let lease = self.context.grants.lease(&version.plugin, self.context.execution);
        lease.map(|lease| Some(Arc::new(lease))).map_err(|why| withheld(why.message))
    }

    fn instance(
        &self,
        call: &Call,
        version: &Version,
        lease: Option<Arc<Lease>>,
        deadline: Instant,
    ) -> Instance {
        let scope = Scope {
            plugin: call.operation.plugin.clone(),
            lease,
            session: Arc::clone(&self.context),
            given: Arc::clone(&self.given),
            step: call.step.clone(),
            iterations: call.iterations.clone(),
            attempt: call.attempt,
            started_at: call.started_at,
            deadline,
            progress: call.progress.clone(),
        };
        match self.take_warm(version.plugin.digest) {
            Some(mut instance) => {
                self.host.metrics.warm.increment(1);
                instance.begin(scope);
                instance
            }
            None => {
                self.host.metrics.fresh.increment(1);
                let memory = self.host.settings.memory.as_usize();
                let workshop = &self.host.workshop;
                let guest = Guest::new(&self.host.settings, &workshop.trust, memory, scope);
                Instance::new(&workshop.machine, &version.code, guest)
            }
        }
    }

    fn request<'a>(
        &'a self,
        call: &'a Call,
        offered: &Offered<'_>,
        texts: &'a Texts,
        code: &Code,
        left: Duration,
    ) -> Request<'a> {
        if let Code::Plain(_) = code {
            return Request::Function { at: offered.at, input: &call.input };
        }
        let context = guest::Call {
            operation: &call.operation.operation,
            runtime: self.context.runtime.as_str(),
            environment: self.context.environment.as_str(),
            execution_id: &self.execution,
            step: call.step.as_str(),
            attempt: call.attempt,
            idempotency_key: &call.idempotency_key,
            role: call.role.as_ref().map(|role| role.as_str()),
            deadline_ms: Some(u64::try_from(left.as_millis()).unwrap_or(u64::MAX)),
        };
        match texts {
            Texts::Execute(input) => Request::Execute { call: context, input },
            Texts::Resume { state, answer } => Request::Resume { call: context, state, answer },
        }
    }

    fn take_warm(&self, digest: Digest) -> Option<Instance> {
        let mut warm = self.warm.lock().unwrap_or_else(PoisonError::into_inner);
        let at = warm.iter().position(|warm| warm.digest == digest)?;
        Some(warm.swap_remove(at).instance)
    }

    /// Keeps an instance for the next call, if its plugin is pure and there is room.
    fn keep_warm(&self, version: &Version, instance: Instance) {
        if version.plugin.effect != EffectClass::Pure || instance.worn() {
            return;
        }
        let mut warm = self.warm.lock().unwrap_or_else(PoisonError::into_inner);
        if warm.len() >= self.host.settings.warm_instances {
            return;
        }
        if let Some(place) = IdlePlace::take(&self.host) {
            warm.push(Warm { digest: version.plugin.digest, instance, _place: place });
        }
    }

    /// A time that the step set is not the sandbox's to raise.
    fn explained(&self, failure: Failure, time: &Time) -> Failure {
        let is_time =
            failure.details.as_ref().is_some_and(|details| details.get("limit") == Some(&"time".into()));
        if !is_time || !time.of_step {
            return failure;
        }
        let maximum = DurationText(time.whole).to_string();
        let hint = "give it less to do, or raise the step's `timeout`";
        Failure { causes: failure.causes, ..Failure::limit(FailureKind::Transient, "time", &maximum, hint) }
    }
}

#[async_trait::async_trait]
impl ports::Session for Session {
    async fn call(&self, call: Call) -> CallReport {
        let began = Instant::now();
        let mut remains = Remains::default();
        self.given.learn(&self.context, &call.operation.plugin);
        let outcome = self.perform(&call, &mut remains).await;
        let Remains { log: Kept { lines, dropped, .. }, memory, notes, .. } = remains;
        let outcome = outcome.map_err(|failure| {
            let mut failure = notes.explain(failure, &self.host.settings);
            self.given.redact_failure(&mut failure);
            failure
        });
        let took = began.elapsed();
        self.host.metrics.call(&outcome, took);
        CallReport { outcome, log: lines, log_dropped: dropped, took, memory }
    }
}

/// Writes down what a call was denied when it is over, however it ended.
struct Settled<'l>(&'l Lease);

impl Drop for Settled<'_> {
    fn drop(&mut self) {
        self.0.settle();
    }
}

/// What `work` gives; nothing when what the call was granted is revoked before.
async fn unless_revoked<T>(lease: Option<&Lease>, work: impl Future<Output = T>) -> Option<T> {
    let Some(lease) = lease else { return Some(work.await) };
    tokio::select! {
        biased;
        () = lease.ended() => None,
        done = work => Some(done),
    }
}

fn withheld(why: String) -> Failure {
    Failure::permanent(code::NOT_GRANTED, why)
}

/// Secrets are taken out before anything is checked: what does not fit is told with its value.
fn settled(reply: Reply, offered: &Offered<'_>, given: &Given) -> Result<Outcome, Failure> {
    match understood(reply)? {
        Answer::Done(mut value) => {
            given.redact(&mut value);
            offered.check_output(&value)?;
            Ok(Outcome::Done(Arc::new(value)))
        }
        Answer::Ask(mut question) => {
            given.redact_question(&mut question);
            Ok(Outcome::Ask(question))
        }
    }
}

/// How long a call may take.
struct Time {
    whole: Duration,
    deadline: Instant,
    /// Whether it was the step that set it.
    of_step: bool,
}

impl Time {
    fn of(call: &Call, began: Instant, limit: Duration) -> Self {
        let own = Instant::now() + limit;
        match call.timeout.and_then(|timeout| Some((timeout, began.checked_add(timeout)?))) {
            Some((whole, deadline)) if deadline < own => Self { whole, deadline, of_step: true },
            _ => Self { whole: limit, deadline: own, of_step: false },
        }
    }

    fn left(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }
}

/// What is handed over, as JSON text.
enum Texts {
    Execute(String),
    Resume { state: String, answer: String },
}

impl Texts {
    fn of(call: &Call, code: &Code, host: &Host) -> Result<Self, Failure> {
        let written = |value: &serde_json::Value| {
            let text = value.to_string();
            if text.len() > host.settings.input.as_usize() {
                return Err(Limit::Input.failure(&host.settings));
            }
            Ok(text)
        };
        match &call.resume {
            Some(resume) => {
                Ok(Self::Resume { state: written(&resume.state)?, answer: written(&resume.answer)? })
            }
            // A plain component takes the value as it is; its size is checked all the same.
            None => match code {
                Code::Contract(_) => Ok(Self::Execute(written(&call.input)?)),
                Code::Plain(_) => written(&call.input).map(|_| Self::Execute(String::new())),
            },
        }
    }
}

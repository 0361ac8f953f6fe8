//! The operations of a simulation: pure ones run in the sandbox, and what others would give is told instead.
//!
//! Nothing that sees or changes the outside is ever called: [`Script::choose`] lets nothing but pure operations run, and
//! they run without a grant.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use orgata_model::duration::DurationText;
use orgata_model::failure::code;
use orgata_model::operation::{Operation, Plugin};
use orgata_model::playbook::scenario::{Asked, Gives, What};
use orgata_model::schema::Schema;
use orgata_model::{Digest, ExecutionId, Failure, FailureKind, StepPath};
use serde_json::{Value, json};
use tokio::runtime::Handle;
use tokio_util::task::AbortOnDropHandle;

use crate::ports::{
    Call, CallReport, Catalog, Clock as _, Operations, Outcome, Question, Session, SessionContext,
};

use super::clock::VirtualClock;
use super::idle::Idle;
use super::script::{Choice, Place, Provenance, Script};
use super::store::MemoryStore;

/// A call that ended.
#[derive(Debug, Clone)]
pub(super) struct Called {
    pub(super) execution: ExecutionId,
    pub(super) step: StepPath,
    pub(super) undoes: bool,
    pub(super) from: Provenance,
}

/// What everything in one simulation shares.
pub(super) struct Stage {
    pub(super) clock: Arc<VirtualClock>,
    pub(super) idle: Arc<Idle>,
    pub(super) store: Arc<MemoryStore>,
    pub(super) script: Script,
    /// Where the host runs what really runs.
    outside: Handle,
    calls: Mutex<Vec<Called>>,
    /// What nobody knew.
    unknown: Mutex<Vec<String>>,
}

impl Stage {
    pub(super) fn new(outside: Handle, clock: VirtualClock, script: Script) -> Self {
        Self {
            clock: Arc::new(clock),
            idle: Arc::default(),
            store: Arc::default(),
            script,
            outside,
            calls: Mutex::default(),
            unknown: Mutex::default(),
        }
    }

    /// Every call that ended, in that order.
    pub(super) fn calls(&self) -> Vec<Called> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What nobody knew, each once.
    pub(super) fn unknown(&self) -> Vec<String> {
        self.unknown.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn ended(&self, place: &Place, from: Provenance) {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner).push(Called {
            execution: place.execution,
            step: place.step.clone(),
            undoes: place.undoes,
            from,
        });
    }

    fn tell_unknown(&self, message: &str) {
        let mut unknown = self.unknown.lock().unwrap_or_else(PoisonError::into_inner);
        if !unknown.iter().any(|told| told == message) {
            unknown.push(message.to_owned());
        }
    }
}

/// The operations of one simulation.
pub(super) struct Simulated {
    pub(super) real: Arc<dyn Operations>,
    /// As they were when it began: what is loaded meanwhile changes nothing.
    pub(super) catalog: Arc<Catalog>,
    pub(super) stage: Arc<Stage>,
}

#[async_trait::async_trait]
impl Operations for Simulated {
    fn catalog(&self) -> Arc<Catalog> {
        Arc::clone(&self.catalog)
    }

    async fn plugin(&self, digest: Digest) -> Result<Arc<Plugin>, Failure> {
        if let Some(plugin) = self.catalog.plugins.values().find(|plugin| plugin.digest == digest) {
            return Ok(Arc::clone(plugin));
        }
        Err(Failure::permanent(code::PLUGIN_GONE, format!("the simulation began without version {digest}")))
    }

    fn open(&self, context: SessionContext) -> Box<dyn Session> {
        let execution = context.execution;
        let _outside = self.stage.outside.enter();
        let real = Arc::from(self.real.open(context));
        let (stage, catalog) = (Arc::clone(&self.stage), Arc::clone(&self.catalog));
        Box::new(SimulatedSession { execution, real, stage, catalog })
    }
}

struct SimulatedSession {
    execution: ExecutionId,
    real: Arc<dyn Session>,
    stage: Arc<Stage>,
    catalog: Arc<Catalog>,
}

#[async_trait::async_trait]
impl Session for SimulatedSession {
    async fn call(&self, call: Call) -> CallReport {
        let (Some(operation), Some(playbook)) =
            (self.catalog.operation(&call.operation), self.stage.store.playbook_of(self.execution))
        else {
            let message = format!("the simulation knows no operation {}", call.operation);
            return told(Err(Failure::permanent(code::INTERNAL, message)), Duration::ZERO);
        };
        let step = StepPath::new(call.step.clone(), &call.iterations);
        let place = Place { execution: self.execution, playbook, step, undoes: call.undoes };
        let (report, from) = match self.stage.script.choose(&place, operation, &call.input) {
            Choice::Run => (self.run(call).await, Provenance::Real),
            Choice::Give(gives, from) => (self.give(operation, &call, gives, &from).await, from),
            Choice::Unknown(message) => {
                self.stage.tell_unknown(&message);
                let failure = Failure::permanent(code::NOT_SIMULATED, message);
                (told(Err(failure), Duration::ZERO), Provenance::Nothing)
            }
        };
        self.stage.ended(&place, from);
        report
    }
}

impl SimulatedSession {
    /// Runs it where the host runs operations. Dropping the future stops it.
    async fn run(&self, call: Call) -> CallReport {
        let _turn = self.stage.idle.turn().await;
        let session = Arc::clone(&self.real);
        let task = self.stage.outside.spawn(async move { session.call(call).await });
        match AbortOnDropHandle::new(task).await {
            Ok(report) => report,
            Err(error) => {
                let message = format!("the call ended unexpectedly: {error}");
                told(Err(Failure::permanent(code::INTERNAL, message)), Duration::ZERO)
            }
        }
    }

    /// Gives what is told, when it is due, as if the operation had given it.
    async fn give(&self, operation: &Operation, call: &Call, gives: Gives, from: &Provenance) -> CallReport {
        if let Err(failure) = check(&operation.input_schema, &call.input, "input", operation) {
            return told(Err(failure), Duration::ZERO);
        }
        let late = call.timeout.filter(|timeout| *timeout < gives.takes);
        let takes = late.unwrap_or(gives.takes);
        if !takes.is_zero() {
            let clock = &self.stage.clock;
            if let Ok(until) = clock.now().checked_add(takes) {
                clock.sleep_until(until).await;
            }
        }
        if let Some(timeout) = late {
            let hint = "give it less to do, or raise the step's `timeout`";
            let maximum = DurationText(timeout).to_string();
            return told(Err(Failure::limit(FailureKind::Transient, "time", &maximum, hint)), takes);
        }
        let outcome = match gives.what {
            What::Result(result) => {
                // What was recorded of an undone step is not its result.
                let checked = match from {
                    Provenance::Scenario => check(&operation.output_schema, &result, "output", operation),
                    _ => Ok(()),
                };
                checked.map(|()| Outcome::Done(result))
            }
            What::Fail(failure) => Err(failure),
            What::Ask(asked) => Ok(Outcome::Ask(question(*asked))),
            What::From(_) => Err(Failure::permanent(code::INTERNAL, "the scenario leads nowhere")),
        };
        if let Err(failure) = &outcome
            && failure.code == code::OUTPUT_MISMATCH
            && *from == Provenance::Scenario
        {
            self.stage.tell_unknown(&failure.message);
        }
        told(outcome, takes)
    }
}

fn told(outcome: Result<Outcome, Failure>, took: Duration) -> CallReport {
    CallReport { outcome, log: Vec::new(), log_dropped: 0, took, memory: 0 }
}

fn question(asked: Asked) -> Question {
    let Asked { prompt, options, response_schema, role, timeout } = asked;
    let kind = "human_decision".to_owned();
    let resume_state = Value::Null;
    Question { kind, prompt, options, response_schema, assignee_role: role, timeout, resume_state }
}

/// Holds what is told to what the operation itself says of it, as the sandbox does.
fn check(schema: &Value, value: &Value, what: &str, operation: &Operation) -> Result<(), Failure> {
    let Ok(compiled) = Schema::compile(schema) else { return Ok(()) };
    compiled.check(value).map_err(|violations| {
        let texts: Vec<String> =
            violations.iter().map(|it| format!("{} {}", it.pointer, it.message).trim().to_owned()).collect();
        let name = &operation.name;
        let failure = match what {
            "input" => Failure::invalid_input(
                code::INPUT_MISMATCH,
                format!("the input does not fit operation {name}: {}", texts.join("; ")),
            ),
            _ => Failure::permanent(
                code::OUTPUT_MISMATCH,
                format!("the scenario's result does not fit operation {name}: {}", texts.join("; ")),
            ),
        };
        failure.with_details(json!({ "violations": violations }))
    })
}

//! What is counted, as handles made once: looking a counter up by name costs more than many a call.
//!
//! Made when the sandbox opens, so a recorder must be installed before.

use std::time::Duration;

use metrics::Unit::{Count, Seconds};
use metrics::{Counter, Gauge, Histogram, counter, gauge, histogram};
use metrics::{describe_counter, describe_gauge, describe_histogram};
use orgata_engine::ports::Outcome;
use orgata_model::failure::code;
use orgata_model::{Failure, FailureKind};

use crate::limits::Limit;

/// Says what the numbers of this crate mean, to the recorder that is installed.
pub fn describe_metrics() {
    describe_counter!("orgata_sandbox_calls_total", Count, "Calls of operations that ended, by how");
    describe_histogram!("orgata_sandbox_call_seconds", Seconds, "Time that a call of an operation took");
    describe_counter!(
        "orgata_sandbox_instances_total",
        Count,
        "Instances that calls got, made for them or used again"
    );
    describe_gauge!("orgata_sandbox_instances_idle", Count, "Instances that wait to be used again");
    describe_counter!("orgata_sandbox_limits_hit_total", Count, "Calls that ended at a limit, by which");
    describe_histogram!("orgata_sandbox_compile_seconds", Seconds, "Time that compiling a component took");
}

/// The sandbox's metrics.
pub(crate) struct Metrics {
    done: Counter,
    asked: Counter,
    invalid_input: Counter,
    transient: Counter,
    permanent: Counter,
    trapped: Counter,
    limited: Counter,
    seconds: Histogram,
    /// Calls that made an instance.
    pub(crate) fresh: Counter,
    /// Calls that used one again.
    pub(crate) warm: Counter,
    /// Idle instances.
    pub(crate) idle: Gauge,
    limits: Vec<(&'static str, Counter)>,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let calls = |outcome| counter!("orgata_sandbox_calls_total", "outcome" => outcome);
        let instances = |kind| counter!("orgata_sandbox_instances_total", "kind" => kind);
        let limit = |name| (name, counter!("orgata_sandbox_limits_hit_total", "limit" => name));
        Self {
            done: calls("done"),
            asked: calls("asked"),
            invalid_input: calls("invalid_input"),
            transient: calls("transient"),
            permanent: calls("permanent"),
            trapped: calls("trapped"),
            limited: calls("limited"),
            seconds: histogram!("orgata_sandbox_call_seconds"),
            fresh: instances("fresh"),
            warm: instances("warm"),
            idle: gauge!("orgata_sandbox_instances_idle"),
            limits: Limit::ALL.iter().map(|known| limit(known.name())).chain([limit("instances")]).collect(),
        }
    }

    /// Counts a call.
    pub(crate) fn call(&self, outcome: &Result<Outcome, Failure>, took: Duration) {
        self.seconds.record(took.as_secs_f64());
        self.counter(outcome).increment(1);
        if let Err(failure) = outcome {
            self.limit(failure);
        }
    }

    fn counter(&self, outcome: &Result<Outcome, Failure>) -> &Counter {
        match outcome {
            Ok(Outcome::Done(_)) => &self.done,
            Ok(Outcome::Ask(_)) => &self.asked,
            Err(failure) if failure.code == code::LIMIT_EXCEEDED => &self.limited,
            Err(failure) if failure.code == code::TRAPPED => &self.trapped,
            Err(failure) => match failure.kind {
                FailureKind::InvalidInput => &self.invalid_input,
                FailureKind::Transient => &self.transient,
                FailureKind::Permanent => &self.permanent,
            },
        }
    }

    fn limit(&self, failure: &Failure) {
        let named = failure.details.as_ref().and_then(|details| details.get("limit")?.as_str());
        if failure.code == code::LIMIT_EXCEEDED
            && let Some((_, counter)) = self.limits.iter().find(|(name, _)| Some(*name) == named)
        {
            counter.increment(1);
        }
    }
}

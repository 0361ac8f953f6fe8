//! The shape of a playbook file. Every part that can be wrong later keeps its place in the source.
//!
//! The published JSON Schema is generated from these types. Doc comments here are what an editor shows.

use std::borrow::Cow;
use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::{Deserialize, Deserializer};
use serde_json::Value;
use serde_saphyr::{Location, Spanned};

use crate::duration::DurationText;
use crate::ids::{OperationName, PlaybookName, RoleName, StepName};
use crate::retention::Retention;

use super::concurrency::{Priority, Strategy};
use super::schedule::{Missed, Overlap};
use super::values::{
    ApprovalsFile, AskTimeoutFile, CacheFile, OnFailureFile, RetriesFile, WaitFile, WhenFile,
};

/// A value with its place in the source.
#[derive(Debug, Clone)]
pub(super) struct At<T> {
    pub(super) value: T,
    pub(super) place: Location,
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for At<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = Spanned::<T>::deserialize(deserializer)?;
        Ok(Self { value: spanned.value, place: spanned.referenced })
    }
}

impl<T: JsonSchema> JsonSchema for At<T> {
    fn inline_schema() -> bool {
        T::inline_schema()
    }
    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }
    fn schema_id() -> Cow<'static, str> {
        T::schema_id()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}

/// A playbook: what to do, in which order, and whom to ask.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PlaybookFile {
    /// Unique in its runtime.
    pub(super) name: At<PlaybookName>,
    /// Free text, such as 1.0.0.
    pub(super) version: Option<String>,
    /// For people and assistants.
    pub(super) description: Option<String>,
    /// JSON Schema 2020-12 of what it takes.
    pub(super) input: Option<At<Value>>,
    /// How long a whole execution may take.
    pub(super) timeout: Option<DurationText>,
    /// When it starts by itself.
    pub(super) schedule: Option<At<ScheduleFile>>,
    /// The outside event that starts it.
    #[serde(rename = "onEvent")]
    pub(super) on_event: Option<At<OnEventFile>>,
    /// How many executions may be at work at once.
    pub(super) concurrency: Option<At<ConcurrencyFile>>,
    /// How long executions are kept after their end: 30d, or forever. What the runtime says when absent.
    pub(super) retention: Option<At<Retention>>,
    /// Which executions go first while the host has as many at work as it takes: high, normal or low.
    #[serde(default)]
    pub(super) priority: Priority,
    /// What holds for every step that does not say otherwise.
    #[serde(default)]
    pub(super) defaults: DefaultsFile,
    /// The roles that take part.
    #[serde(default)]
    pub(super) roles: Vec<At<RoleName>>,
    /// Run in the order written.
    pub(super) steps: At<Vec<At<StepFile>>>,
    /// What it gives: the result of the last step when absent.
    pub(super) output: Option<At<Value>>,
}

/// What holds for every step that does not say otherwise.
#[derive(Debug, Default, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct DefaultsFile {
    /// Who performs steps.
    pub(super) role: Option<At<RoleName>>,
    /// How long one attempt of an operation may take.
    pub(super) timeout: Option<DurationText>,
    /// What follows a failed attempt of an operation.
    pub(super) retries: Option<At<RetriesFile>>,
    /// What follows when a step failed for good: fail, continue or intervene.
    #[serde(rename = "onFailure")]
    pub(super) on_failure: Option<At<OnFailureFile>>,
}

/// When it starts by itself.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ScheduleFile {
    /// Minute, hour, day of month, month, day of week, such as 0 8 * * MON-FRI; or @daily and its like.
    pub(super) cron: At<String>,
    /// The time zone of `cron`, such as Europe/Berlin. UTC when absent.
    pub(super) timezone: Option<At<String>>,
    /// What becomes of a due time while an earlier run is not over: skip, queue or allow. Skip when absent.
    #[serde(default)]
    pub(super) overlap: Overlap,
    /// What becomes of due times that came while the host was down: skip, once or all. Once when absent.
    #[serde(default)]
    pub(super) missed: Missed,
    /// What each run is given. An empty object when absent.
    pub(super) input: Option<At<Value>>,
}

/// The outside event that starts it.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct OnEventFile {
    /// Its name.
    pub(super) event: At<String>,
    /// It must hold, with the event's payload as `event`.
    #[serde(rename = "match")]
    pub(super) matches: Option<At<WhenFile>>,
    /// What the playbook is given, computed of `event`. The payload itself when absent.
    pub(super) input: Option<At<Value>>,
}

/// How many executions may be at work at once.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ConcurrencyFile {
    /// Executions with the same key count, such as $input.customer. Absent: all of this playbook do.
    pub(super) key: Option<At<Value>>,
    /// How many with the same key. 1 when absent.
    pub(super) max: Option<At<usize>>,
    /// What becomes of one more: queue, reject or cancelOldest. Queue when absent.
    #[serde(default)]
    pub(super) strategy: Strategy,
}

/// One step: exactly one of `operation`, `intervention`, `playbook`, `wait`, `switch`, `steps`, `set`, `fail`.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct StepFile {
    /// Unique in its playbook.
    pub(super) name: At<StepName>,
    /// For people.
    pub(super) description: Option<String>,
    /// Who performs it, or answers its question.
    pub(super) role: Option<At<RoleName>>,
    /// The step is skipped when this expression does not hold.
    #[serde(alias = "condition")]
    pub(super) when: Option<At<WhenFile>>,
    /// It runs beside the step before it, instead of after it.
    #[serde(default)]
    pub(super) parallel: bool,
    /// It runs after these steps alone, instead of after all that are written before it.
    #[serde(rename = "dependsOn")]
    pub(super) depends_on: Option<Vec<At<StepName>>>,
    /// It runs once for every element of this list.
    #[serde(rename = "forEach")]
    pub(super) for_each: Option<At<Value>>,
    /// What expressions call an element of `forEach`; `item` when absent.
    #[serde(rename = "as")]
    pub(super) item: Option<At<String>>,
    /// Most iterations of `forEach` at work at once; 1 when absent.
    #[serde(rename = "maxConcurrency")]
    pub(super) at_once: Option<At<usize>>,
    /// How long one attempt may take.
    pub(super) timeout: Option<At<DurationText>>,
    /// What follows a failed attempt: a number of further ones, or a policy.
    pub(super) retries: Option<At<RetriesFile>>,
    /// What follows when it failed for good: fail, continue, intervene or { goto: STEP }.
    #[serde(rename = "onFailure")]
    pub(super) on_failure: Option<At<OnFailureFile>>,
    /// How it is undone when the playbook fails, is cancelled or times out.
    pub(super) compensation: Option<At<CompensationFile>>,
    /// What an effect of its operation is known by outside, instead of a key that the host makes.
    #[serde(rename = "idempotencyKey")]
    pub(super) idempotency_key: Option<At<String>>,
    /// A pure operation's result is kept for the next step that gives it the same input: true, or how long.
    pub(super) cache: Option<At<CacheFile>>,
    /// Steps with the same key run one after the other, in all executions of the runtime, such as $input.account.
    #[serde(rename = "concurrencyKey")]
    pub(super) concurrency_key: Option<At<String>>,
    /// Runs an operation, `plugin/operation`.
    pub(super) operation: Option<At<OperationName>>,
    /// What the operation or the playbook is given.
    pub(super) params: Option<At<BTreeMap<String, At<Value>>>>,
    /// Asks a person.
    pub(super) intervention: Option<At<InterventionFile>>,
    /// Runs another playbook as an execution of its own.
    pub(super) playbook: Option<At<PlaybookName>>,
    /// Sleeps (5m), waits for a time ({ until: … }) or for an outside event ({ event: …, match: … }).
    pub(super) wait: Option<At<WaitFile>>,
    /// Takes the first case that holds.
    pub(super) switch: Option<At<Vec<At<CaseFile>>>>,
    /// A group of steps.
    pub(super) steps: Option<At<Vec<At<StepFile>>>>,
    /// Computes values: its result, and `$vars.NAME` for those that come after.
    pub(super) set: Option<At<BTreeMap<String, At<Value>>>>,
    /// Ends in failure on purpose.
    pub(super) fail: Option<At<FailFile>>,
    /// An external MCP server. Not available yet.
    pub(super) mcp: Option<At<String>>,
    /// The tool of the MCP server.
    pub(super) action: Option<At<String>>,
    /// An AI model. Not available yet.
    pub(super) agent: Option<At<Value>>,
}

/// How a step is undone.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CompensationFile {
    /// The operation that undoes it, `plugin/operation`.
    pub(super) operation: Option<At<OperationName>>,
    /// The tool of the step's MCP server that undoes it. Not available yet.
    pub(super) action: Option<At<String>>,
    /// What it is given, computed when the step completes.
    pub(super) params: Option<At<BTreeMap<String, At<Value>>>>,
    /// How long one attempt may take.
    pub(super) timeout: Option<DurationText>,
    /// What follows a failed attempt: a number of further ones, or a policy.
    pub(super) retries: Option<At<RetriesFile>>,
}

/// One case of a switch: `steps` or `goto`.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CaseFile {
    /// When it is taken; the last case may do without.
    #[serde(alias = "condition")]
    pub(super) when: Option<At<WhenFile>>,
    /// What is done then.
    pub(super) steps: Option<At<Vec<At<StepFile>>>>,
    /// A later step to go on with.
    pub(super) goto: Option<At<StepName>>,
}

/// Ends in failure on purpose.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct FailFile {
    /// For programs, such as NO_STOCK.
    pub(super) code: At<String>,
    /// For people.
    pub(super) message: At<String>,
}

/// Asks a person.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct InterventionFile {
    /// human_decision, approval, data_entry, review, …
    #[serde(rename = "type", default = "human_decision")]
    pub(super) kind: String,
    /// What to decide.
    pub(super) prompt: At<String>,
    /// Choices to offer.
    #[serde(default)]
    pub(super) options: At<Vec<String>>,
    /// JSON Schema 2020-12 that an answer must satisfy.
    pub(super) response: Option<At<Value>>,
    /// Shown beside the question.
    pub(super) context: Option<At<Value>>,
    /// When to stop waiting, and what then.
    pub(super) timeout: Option<At<AskTimeoutFile>>,
    /// How long after asking comes a reminder, and after each another.
    pub(super) reminders: Option<At<DurationText>>,
    /// How many different people must approve: 2, or 2 of finance.
    pub(super) approvals: Option<At<ApprovalsFile>>,
    /// Whether whoever started the execution may answer. True when absent.
    #[serde(rename = "selfApproval")]
    pub(super) self_approval: Option<bool>,
    /// Whether a person must answer: no AI assistant may. False when absent.
    #[serde(rename = "humansOnly")]
    pub(super) humans_only: Option<bool>,
}

impl<T: Default> Default for At<T> {
    fn default() -> Self {
        Self { value: T::default(), place: Location::UNKNOWN }
    }
}

fn human_decision() -> String {
    "human_decision".to_owned()
}

/// The JSON Schema of playbook files, for editors.
pub fn json_schema() -> Value {
    let mut schema = schemars::SchemaGenerator::default().into_root_schema_for::<PlaybookFile>();
    schema.insert("title".to_owned(), "Orgata playbook".into());
    schema.into()
}

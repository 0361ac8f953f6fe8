//! The shape of a playbook file. Every part that can be wrong later keeps its place in the source.
//!
//! The published JSON Schema is generated from these types. Doc comments here are what an editor shows.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::{self, Deserialize, Deserializer};
use serde_json::Value;
use serde_saphyr::{Location, Spanned};

use crate::duration::DurationText;
use crate::ids::{OperationName, PlaybookName, RoleName, StepName};
use crate::retry::RetryPolicy;

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
    /// The roles that take part.
    #[serde(default)]
    pub(super) roles: Vec<At<RoleName>>,
    /// Run in the order written.
    pub(super) steps: At<Vec<At<StepFile>>>,
    /// What it gives: the result of the last step when absent.
    pub(super) output: Option<At<Value>>,
}

/// One step: exactly one of `operation` and `intervention`.
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
    /// How long one attempt may take.
    pub(super) timeout: Option<At<DurationText>>,
    /// What follows a failed attempt: a number of further ones, or a policy.
    pub(super) retries: Option<At<RetriesFile>>,
    /// Runs an operation, `plugin/operation`.
    pub(super) operation: Option<At<OperationName>>,
    /// What the operation is given.
    pub(super) params: Option<At<BTreeMap<String, At<Value>>>>,
    /// Asks a person.
    pub(super) intervention: Option<At<InterventionFile>>,
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
}

impl<T: Default> Default for At<T> {
    fn default() -> Self {
        Self { value: T::default(), place: Location::UNKNOWN }
    }
}

fn human_decision() -> String {
    "human_decision".to_owned()
}

/// When to stop waiting for an answer, and what then: `answer`, `escalate` or, without either, fail.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, remote = "Self")]
pub(super) struct AskTimeoutFile {
    /// How long to wait.
    pub(super) after: DurationText,
    /// The answer that is taken then.
    pub(super) answer: Option<Value>,
    /// The role that is asked then.
    pub(super) escalate: Option<RoleName>,
    /// The step fails then. This is the default.
    #[serde(default)]
    pub(super) fail: bool,
}

impl<'de> Deserialize<'de> for AskTimeoutFile {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> de::Visitor<'de> for Visitor {
            type Value = AskTimeoutFile;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("{ after: 30m } with `answer`, `escalate` or `fail`")
            }
            fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<AskTimeoutFile, A::Error> {
                AskTimeoutFile::deserialize(de::value::MapAccessDeserializer::new(map))
            }
        }
        // By this way a bare `timeout: 5m` meets the words above, not the reader's.
        deserializer.deserialize_any(Visitor)
    }
}

/// `when`: an expression, or a plain truth value.
#[derive(Debug, Clone)]
pub(super) struct WhenFile(pub(super) String);

impl<'de> Deserialize<'de> for WhenFile {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = WhenFile;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an expression such as input.amount > 100")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<WhenFile, E> {
                Ok(WhenFile(text.to_owned()))
            }
            fn visit_bool<E: de::Error>(self, holds: bool) -> Result<WhenFile, E> {
                Ok(WhenFile(holds.to_string()))
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

impl JsonSchema for WhenFile {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "When".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schemars::json_schema!({ "type": ["string", "boolean"] })
    }
}

/// `retries`: how many further attempts, or a whole policy.
#[derive(Debug, Clone)]
pub(super) struct RetriesFile(pub(super) RetryPolicy);

impl<'de> Deserialize<'de> for RetriesFile {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> de::Visitor<'de> for Visitor {
            type Value = RetriesFile;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(
                    "a number of retries, or a policy { max, initial, multiplier, max_interval, jitter }",
                )
            }
            fn visit_u64<E: de::Error>(self, max: u64) -> Result<RetriesFile, E> {
                let max = u32::try_from(max).map_err(|_| E::custom("too many retries"))?;
                Ok(RetriesFile(RetryPolicy::times(max)))
            }
            fn visit_i64<E: de::Error>(self, max: i64) -> Result<RetriesFile, E> {
                let max = u64::try_from(max).map_err(|_| E::custom("retries cannot be negative"))?;
                self.visit_u64(max)
            }
            fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<RetriesFile, A::Error> {
                RetryPolicy::deserialize(de::value::MapAccessDeserializer::new(map)).map(RetriesFile)
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

impl JsonSchema for RetriesFile {
    fn schema_name() -> Cow<'static, str> {
        "Retries".into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let policy = generator.subschema_for::<RetryPolicy>();
        schemars::json_schema!({ "oneOf": [{ "type": "integer", "minimum": 0 }, policy] })
    }
}

/// The JSON Schema of playbook files, for editors.
pub fn json_schema() -> Value {
    let mut schema = schemars::SchemaGenerator::default().into_root_schema_for::<PlaybookFile>();
    schema.insert("title".to_owned(), "Orgata playbook".into());
    schema.into()
}

/// Keys of the language that this version knows and does not run.
pub(super) const RESERVED: [&str; 24] = [
    "parallel",
    "dependsOn",
    "forEach",
    "as",
    "maxConcurrency",
    "onFailure",
    "compensation",
    "idempotencyKey",
    "concurrencyKey",
    "mcp",
    "action",
    "agent",
    "playbook",
    "wait",
    "switch",
    "steps",
    "set",
    "fail",
    "schedule",
    "onEvent",
    "concurrency",
    "retention",
    "priority",
    "defaults",
];

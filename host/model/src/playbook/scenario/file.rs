//! The shape of a scenario file. Every part that can be wrong later keeps its place in the source.
//!
//! The published JSON Schema is generated from these types. Doc comments here are what an editor shows.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use jiff::Timestamp;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::{self, Deserialize, Deserializer};
use serde_json::Value;

use crate::duration::DurationText;
use crate::failure::FailureKind;
use crate::ids::{PlaybookName, RoleName};

use super::super::file::At;
use super::Source;

/// A scenario: what a simulated playbook meets, and what should come of it.
#[derive(Debug, Default, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ScenarioFile {
    /// The playbook that it is for.
    pub(super) playbook: Option<At<PlaybookName>>,
    /// For people.
    pub(super) description: Option<String>,
    /// What the playbook is given. An empty object when absent, or what the recorded execution was given.
    pub(super) input: Option<Value>,
    /// When it begins, in virtual time, such as 2026-03-01T08:00:00Z.
    #[serde(rename = "startsAt")]
    #[schemars(with = "Option<String>")]
    pub(super) starts_at: Option<At<String>>,
    /// Whoever starts it.
    #[serde(rename = "startedBy")]
    pub(super) started_by: Option<At<String>>,
    /// Where the results come from that nothing below says: real, recorded or examples. Real when absent: pure
    /// operations run, others give what is recorded, or an example of theirs.
    #[serde(rename = "use", default)]
    pub(super) source: Source,
    /// Exported executions whose results may be used: files, named from the scenario's own folder.
    #[serde(default)]
    pub(super) recorded: Vec<At<String>>,
    /// What steps give: `ship`, `reserve[1]` for one iteration, `pack-order/pack` for a step of a child playbook.
    #[serde(default)]
    pub(super) steps: Keyed<OneOrMore<GivesFile>>,
    /// What operations give, wherever they are used, to undo a step too: `shop/ship`.
    #[serde(default)]
    pub(super) operations: Keyed<OneOrMore<GivesFile>>,
    /// Who answers the questions of which step.
    #[serde(default)]
    pub(super) interventions: Keyed<OneOrMore<AnswerFile>>,
    /// What happens outside.
    #[serde(default)]
    pub(super) events: Vec<At<HappeningFile>>,
    /// What should come of it.
    #[serde(default)]
    pub(super) expect: ExpectFile,
}

/// What one call gives: exactly one of `result`, `fail`, `ask`, `use`. Of a list, each call takes the next, and the last
/// one stays.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct GivesFile {
    /// This result.
    #[serde(default, deserialize_with = "crate::recorded::present")]
    pub(super) result: Option<Value>,
    /// This failure.
    pub(super) fail: Option<GivenFailureFile>,
    /// This question to a person.
    pub(super) ask: Option<GivenQuestionFile>,
    /// What is real, recorded or in its examples.
    #[serde(rename = "use")]
    pub(super) source: Option<Source>,
    /// How long it takes, in virtual time. Nothing when absent.
    pub(super) takes: Option<DurationText>,
}

/// How a call fails.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct GivenFailureFile {
    /// For programs.
    pub(super) code: String,
    /// For people.
    pub(super) message: String,
    /// What may be done about it: transient (tried again), permanent or invalid_input. Permanent when absent.
    #[schemars(with = "Option<String>")]
    pub(super) kind: Option<FailureKind>,
}

/// What an operation asks.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct GivenQuestionFile {
    /// What to decide.
    pub(super) prompt: String,
    /// Choices to offer.
    #[serde(default)]
    pub(super) options: Vec<String>,
    /// JSON Schema that an answer must satisfy.
    pub(super) response: Option<At<Value>>,
    /// Who may answer.
    pub(super) role: Option<RoleName>,
    /// How long it waits.
    pub(super) timeout: Option<DurationText>,
}

/// An answer: `answer`, or `unanswered: true`. Of a list, each answer that is due takes the next.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AnswerFile {
    /// What is answered.
    #[serde(default, deserialize_with = "crate::recorded::present")]
    pub(super) answer: Option<Value>,
    /// Nobody answers: the question's deadline comes.
    #[serde(default)]
    pub(super) unanswered: bool,
    /// Who answers. The role that is asked when absent.
    pub(super) by: Option<String>,
    /// How long after it was asked. At once when absent.
    pub(super) after: Option<DurationText>,
    /// What is written beside the answer.
    pub(super) notes: Option<String>,
}

/// Something that happens outside.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct HappeningFile {
    /// Its name.
    pub(super) event: Option<String>,
    /// What comes with it.
    #[serde(default)]
    pub(super) payload: Value,
    /// How long after the start. At once when absent.
    pub(super) at: Option<DurationText>,
    /// It is sent to the execution itself, which keeps it until a step waits for it.
    #[serde(default)]
    pub(super) kept: bool,
}

/// What should come of it. Steps are named as in `steps`.
#[derive(Debug, Default, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ExpectFile {
    /// How it ends: succeeded, failed, compensated, compensation_failed, cancelled, timed_out. Succeeded when absent.
    #[schemars(with = "Option<String>")]
    pub(super) status: Option<At<String>>,
    /// Its output, or a part of it: what is left out of an object may be anything.
    #[serde(default)]
    pub(super) output: Option<At<Value>>,
    /// The code of its failure.
    pub(super) failure: Option<At<String>>,
    /// These steps begin.
    #[serde(default)]
    pub(super) ran: Vec<At<String>>,
    /// These steps do not begin.
    #[serde(rename = "notRun", default)]
    pub(super) not_run: Vec<At<String>>,
    /// These steps begin in this order; others may come between.
    pub(super) order: Option<At<Vec<At<String>>>>,
    /// How many attempts these steps take.
    #[serde(default)]
    pub(super) attempts: Keyed<At<u32>>,
    /// These steps are undone, in this order, and no others.
    pub(super) undone: Option<At<Vec<At<String>>>>,
    /// It ends within this time.
    pub(super) within: Option<At<DurationText>>,
}

/// The JSON Schema of scenario files, for editors.
pub fn json_schema() -> Value {
    let mut schema = schemars::SchemaGenerator::default().into_root_schema_for::<ScenarioFile>();
    schema.insert("title".to_owned(), "Orgata scenario".into());
    schema.into()
}

/// When it begins, as written. Ten years later, times must still be in the calendar.
pub(super) fn timestamp(text: &str) -> Option<Timestamp> {
    const FIRST_OF_2500: Timestamp = Timestamp::constant(16_725_225_600, 0);
    let time: Timestamp = text.trim().parse().ok()?;
    (Timestamp::UNIX_EPOCH..FIRST_OF_2500).contains(&time).then_some(time)
}

/// A mapping whose keys keep their places.
#[derive(Debug)]
pub(super) struct Keyed<T>(pub(super) Vec<(At<String>, T)>);

impl<T> Default for Keyed<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Keyed<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> de::Visitor<'de> for Visitor<T> {
            type Value = Keyed<T>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a mapping")
            }
            fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<Keyed<T>, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Keyed(entries))
            }
        }
        deserializer.deserialize_map(Visitor(PhantomData))
    }
}

impl<T: JsonSchema> JsonSchema for Keyed<T> {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        format!("Keyed_{}", T::schema_name()).into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let values = generator.subschema_for::<T>();
        schemars::json_schema!({ "type": "object", "additionalProperties": values })
    }
}

/// One thing, or a list of them.
#[derive(Debug)]
pub(super) struct OneOrMore<T>(pub(super) Vec<T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for OneOrMore<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> de::Visitor<'de> for Visitor<T> {
            type Value = OneOrMore<T>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a mapping, or a list of mappings")
            }
            fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<OneOrMore<T>, A::Error> {
                let one = T::deserialize(de::value::MapAccessDeserializer::new(map))?;
                Ok(OneOrMore(vec![one]))
            }
            fn visit_seq<A: de::SeqAccess<'de>>(self, list: A) -> Result<OneOrMore<T>, A::Error> {
                Vec::deserialize(de::value::SeqAccessDeserializer::new(list)).map(OneOrMore)
            }
        }
        deserializer.deserialize_any(Visitor(PhantomData))
    }
}

impl<T: JsonSchema> JsonSchema for OneOrMore<T> {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        format!("OneOrMore_{}", T::schema_name()).into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let one = generator.subschema_for::<T>();
        schemars::json_schema!({ "oneOf": [one, { "type": "array", "items": one, "minItems": 1 }] })
    }
}

//! Values of a playbook file that may be written in more than one way.
//!
//! Each is read by hand, so that a wrong one is told in the words of playbooks and not of the reader.

use std::borrow::Cow;
use std::fmt;

use jiff::Timestamp;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::{self, Deserialize, Deserializer};
use serde_json::Value;

use crate::duration::DurationText;
use crate::ids::{RoleName, StepName};
use crate::retry::RetryPolicy;

use super::Cache;
use super::file::At;

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

/// `onFailure`: a word, or a place to go on at.
#[derive(Debug, Clone)]
pub(super) enum OnFailureFile {
    Fail,
    Continue,
    Intervene,
    Goto(StepName),
}

impl<'de> Deserialize<'de> for OnFailureFile {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Goto {
            goto: StepName,
        }
        struct Visitor;
        impl<'de> de::Visitor<'de> for Visitor {
            type Value = OnFailureFile;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("fail, continue, intervene or { goto: STEP }")
            }
            fn visit_str<E: de::Error>(self, word: &str) -> Result<OnFailureFile, E> {
                match word {
                    "fail" => Ok(OnFailureFile::Fail),
                    "continue" => Ok(OnFailureFile::Continue),
                    "intervene" => Ok(OnFailureFile::Intervene),
                    _ => Err(E::invalid_value(de::Unexpected::Str(word), &self)),
                }
            }
            fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<OnFailureFile, A::Error> {
                let Goto { goto } = Goto::deserialize(de::value::MapAccessDeserializer::new(map))?;
                Ok(OnFailureFile::Goto(goto))
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

impl JsonSchema for OnFailureFile {
    fn schema_name() -> Cow<'static, str> {
        "OnFailure".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schemars::json_schema!({ "oneOf": [
            { "enum": ["fail", "continue", "intervene"] },
            {
                "type": "object",
                "properties": { "goto": { "type": "string" } },
                "required": ["goto"],
                "additionalProperties": false,
            },
        ] })
    }
}

/// `approvals`: a number, or a number and a role.
#[derive(Debug, Clone)]
pub(super) struct ApprovalsFile {
    pub(super) count: u32,
    pub(super) role: Option<RoleName>,
}

impl<'de> Deserialize<'de> for ApprovalsFile {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = ApprovalsFile;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("how many people must approve, 1 to 100, such as 2 or 2 of finance")
            }
            fn visit_u64<E: de::Error>(self, count: u64) -> Result<ApprovalsFile, E> {
                match u32::try_from(count) {
                    Ok(count @ 1..=100) => Ok(ApprovalsFile { count, role: None }),
                    _ => Err(E::invalid_value(de::Unexpected::Unsigned(count), &self)),
                }
            }
            fn visit_i64<E: de::Error>(self, count: i64) -> Result<ApprovalsFile, E> {
                self.visit_u64(u64::try_from(count).unwrap_or_default())
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<ApprovalsFile, E> {
                let wrong = || E::invalid_value(de::Unexpected::Str(text), &self);
                let (count, role) = text.split_once(" of ").ok_or_else(wrong)?;
                let count = count.trim().parse().ok().filter(|count| (1..=100).contains(count));
                let role = role.trim().parse().map_err(E::custom)?;
                Ok(ApprovalsFile { count: count.ok_or_else(wrong)?, role: Some(role) })
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

impl JsonSchema for ApprovalsFile {
    fn schema_name() -> Cow<'static, str> {
        "Approvals".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schemars::json_schema!({ "oneOf": [
            { "type": "integer", "minimum": 1, "maximum": 100 },
            { "type": "string", "pattern": "^[0-9]+ of .+$" },
        ] })
    }
}

/// `cache`: whether results are kept, or how long.
#[derive(Debug, Clone, Copy)]
pub(super) struct CacheFile(pub(super) Option<Cache>);

impl<'de> Deserialize<'de> for CacheFile {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = CacheFile;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("true, or how long results are kept, such as 1h")
            }
            fn visit_bool<E: de::Error>(self, kept: bool) -> Result<CacheFile, E> {
                Ok(CacheFile(kept.then_some(Cache::WhileRoom)))
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<CacheFile, E> {
                let time = DurationText::deserialize(de::value::StrDeserializer::<E>::new(text));
                let time = time.map_err(|_| E::invalid_value(de::Unexpected::Str(text), &self))?;
                Ok(CacheFile(Some(Cache::For(time.0))))
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

impl JsonSchema for CacheFile {
    fn schema_name() -> Cow<'static, str> {
        "Cache".into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let duration = generator.subschema_for::<DurationText>();
        schemars::json_schema!({ "oneOf": [{ "type": "boolean" }, duration] })
    }
}

/// `wait`: a duration, or a mapping.
#[derive(Debug, Clone)]
pub(super) enum WaitFile {
    For(DurationText),
    Rule(Box<WaitRuleFile>),
}

/// What to wait for: `until` or `event`.
#[derive(Debug, Clone, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct WaitRuleFile {
    /// A time in RFC 3339, or an expression that gives one.
    pub(super) until: Option<At<String>>,
    /// The name of an outside event.
    pub(super) event: Option<At<String>>,
    /// It must hold, with the event's payload as `event`.
    #[serde(rename = "match")]
    pub(super) matches: Option<At<WhenFile>>,
    /// How long to wait for the event at most; the step fails then.
    pub(super) timeout: Option<At<DurationText>>,
}

impl<'de> Deserialize<'de> for WaitFile {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> de::Visitor<'de> for Visitor {
            type Value = WaitFile;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a duration such as 5m, { until: TIME } or { event: NAME, match: EXPRESSION }")
            }
            fn visit_u64<E: de::Error>(self, ms: u64) -> Result<WaitFile, E> {
                DurationText::deserialize(de::value::U64Deserializer::new(ms)).map(WaitFile::For)
            }
            fn visit_i64<E: de::Error>(self, ms: i64) -> Result<WaitFile, E> {
                DurationText::deserialize(de::value::I64Deserializer::new(ms)).map(WaitFile::For)
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<WaitFile, E> {
                DurationText::deserialize(de::value::StrDeserializer::new(text)).map(WaitFile::For)
            }
            fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<WaitFile, A::Error> {
                let rule = WaitRuleFile::deserialize(de::value::MapAccessDeserializer::new(map))?;
                Ok(WaitFile::Rule(Box::new(rule)))
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

impl JsonSchema for WaitFile {
    fn schema_name() -> Cow<'static, str> {
        "Wait".into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let duration = generator.subschema_for::<DurationText>();
        let rule = generator.subschema_for::<WaitRuleFile>();
        schemars::json_schema!({ "oneOf": [duration, rule] })
    }
}

/// A time that is written out.
pub(super) fn time(text: &str) -> Option<Timestamp> {
    text.trim().parse().ok()
}

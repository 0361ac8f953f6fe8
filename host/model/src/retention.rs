//! How long executions are kept after their end.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::duration::{self, DurationText};

/// The word for [`Retention::Forever`].
const FOREVER: &str = "forever";

/// How long executions are kept after their end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Retention {
    /// Until somebody deletes them.
    #[default]
    Forever,
    /// So long.
    For(Duration),
}

impl Retention {
    /// Nothing, or a time that is longer than nothing: `0s` would delete what nobody had a chance to see.
    pub fn is_sensible(self) -> bool {
        self != Self::For(Duration::ZERO)
    }

    /// How long; nothing means for ever.
    pub fn time(self) -> Option<Duration> {
        match self {
            Self::Forever => None,
            Self::For(time) => Some(time),
        }
    }
}

impl fmt::Display for Retention {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Forever => f.write_str(FOREVER),
            Self::For(time) => f.write_str(&duration::format(*time)),
        }
    }
}

impl Serialize for Retention {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Retention {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged, expecting = "expected `forever`, or a duration such as 12h or 30d")]
        enum Text {
            Time(DurationText),
            Word(Word),
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "lowercase")]
        enum Word {
            Forever,
        }
        Ok(match Text::deserialize(from)? {
            Text::Time(time) => Self::For(time.0),
            Text::Word(Word::Forever) => Self::Forever,
        })
    }
}

impl JsonSchema for Retention {
    fn schema_name() -> Cow<'static, str> {
        "Retention".into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let time = generator.subschema_for::<DurationText>();
        schemars::json_schema!({ "oneOf": [time, { "const": FOREVER }] })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_retention_is_a_time_or_forever() {
        let read = |text: &str| serde_json::from_str::<Retention>(text);
        assert_eq!(read("\"forever\"").unwrap(), Retention::Forever);
        assert_eq!(read("\"30d\"").unwrap(), Retention::For(Duration::from_hours(720)));
        for wrong in ["\"never\"", "\"\"", "null", "\"30 days\""] {
            let told = read(wrong).unwrap_err().to_string();
            assert!(told.contains("`forever`, or a duration such as"), "{wrong}: {told}");
        }
        assert_eq!(serde_json::to_string(&Retention::For(Duration::from_hours(48))).unwrap(), "\"2d\"");
        assert_eq!(serde_json::to_string(&Retention::default()).unwrap(), "\"forever\"");
    }
}

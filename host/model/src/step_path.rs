//! Which step of an execution: its name and, inside loops, which iteration of each.
//!
//! As text `charge`, or `charge[2]` for the third iteration of a step with `forEach`, or `line[2][0]` inside
//! of two loops, the outer one first. A loop itself has one index less than its iterations.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::ids::{NameError, StepName};

/// A step, and the iterations of the loops around it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StepPath {
    name: StepName,
    /// 0 for the first; the outermost loop first.
    iterations: Vec<u32>,
}

impl StepPath {
    /// A step in these iterations.
    pub fn new(name: StepName, iterations: &[u32]) -> Self {
        Self { name, iterations: iterations.to_vec() }
    }

    /// The step's name in its playbook.
    pub fn name(&self) -> &StepName {
        &self.name
    }

    /// Which iteration of each loop around it, the outermost first. Empty outside of loops.
    pub fn iterations(&self) -> &[u32] {
        &self.iterations
    }
}

impl From<StepName> for StepPath {
    fn from(name: StepName) -> Self {
        Self { name, iterations: Vec::new() }
    }
}

/// A step outside of loops is its name.
impl PartialEq<StepName> for StepPath {
    fn eq(&self, name: &StepName) -> bool {
        self.iterations.is_empty() && self.name == *name
    }
}

impl fmt::Display for StepPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name.as_str())?;
        self.iterations.iter().try_for_each(|iteration| write!(f, "[{iteration}]"))
    }
}

impl FromStr for StepPath {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let wrong = || {
            NameError::new(
                "step",
                text,
                "it is a step's name, and behind it the iteration in brackets: charge[2]",
            )
        };
        let Some((name, rest)) = text.split_once('[') else {
            return Ok(Self::from(text.parse::<StepName>()?));
        };
        let indexes = rest.strip_suffix(']').ok_or_else(wrong)?;
        let iterations = indexes.split("][").map(|index| index.parse().map_err(|_| wrong()));
        Ok(Self { name: name.parse()?, iterations: iterations.collect::<Result<_, _>>()? })
    }
}

impl Serialize for StepPath {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for StepPath {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(d)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn its_text_is_read_back() {
        for text in ["charge", "charge[0]", "line-2[12][3]"] {
            assert_eq!(text.parse::<StepPath>().unwrap().to_string(), text);
        }
        for bad in ["", "[1]", "a[", "a[]", "a[x]", "a[1", "a[1]b", "a[1][", "a[-1]"] {
            assert!(bad.parse::<StepPath>().is_err(), "{bad}");
        }
    }
}

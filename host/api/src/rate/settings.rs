//! The `api.rate` section.

use serde::{Deserialize, Serialize};

/// How often one caller may ask.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct RateSettings {
    /// Requests, and frames of WebSockets, that a caller gets back each second; 0 counts nobody. Default 200.
    pub requests_per_second: u32,
    /// How many it may make at once. Default 2000.
    pub burst: u32,
    /// Callers that are remembered; of more, those that come often. Default 10000.
    pub callers: u64,
    /// Whether callers without a name on this machine are counted, too. Default false.
    pub this_machine: bool,
}

impl Default for RateSettings {
    fn default() -> Self {
        Self { requests_per_second: 200, burst: 2_000, callers: 10_000, this_machine: false }
    }
}

impl RateSettings {
    /// What is wrong with them, if anything.
    pub(crate) fn validate(&self) -> Result<(), String> {
        if self.burst < self.requests_per_second {
            return Err(
                "api.rate.burst must not be less than api.rate.requestsPerSecond: nobody could use the rate"
                    .to_owned(),
            );
        }
        if self.callers == 0 {
            return Err("api.rate.callers must be 1 or more".to_owned());
        }
        Ok(())
    }
}

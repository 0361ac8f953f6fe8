//! Every limit of the sandbox, with its unit and its default.
//!
//! A limit is known by one name everywhere: the key in the configuration file, and `details.limit` of the failure
//! that it causes ([`crate::limits::Limit`]); in Rust it is the field here. The names of the fields are read as well:
//! configurations were written with them.

use std::path::PathBuf;
use std::time::Duration;

use orgata_model::duration::DurationText;
use serde::{Deserialize, Serialize};

use crate::size::Size;

/// Deepest nesting of a JSON value that crosses the border, either way. Not a setting: it is what the JSON
/// parser itself holds to, and what keeps every recursion over a value inside the stack.
pub const JSON_DEPTH: usize = 128;

/// The configuration of the sandbox. Unknown keys are errors; absent ones have these defaults.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct Settings {
    /// Longest time that one call may take. Default 30s.
    #[serde(with = "duration")]
    pub time: Duration,
    /// Most memory of one instance: all its linear memories and tables together. Default 256 MiB.
    pub memory: Size,
    /// Deepest stack of guest code. Default 512 KiB.
    pub stack: Size,
    /// Largest input (or answer, or resume state) handed to a call, as JSON text. Default 4 MiB.
    pub input: Size,
    /// Most that a guest may hand to the host at once, such as a result as JSON text. Default 4 MiB.
    pub output: Size,
    /// Most lines of log and printed output kept of one call; what is over is counted. Default 1000.
    #[serde(alias = "log_lines")]
    pub log_lines: usize,
    /// Most bytes of log and printed output kept of one call. Default 256 KiB.
    #[serde(alias = "log_bytes")]
    pub log_bytes: Size,
    /// Most calls that a guest may make into the host in one call. Default 1000000.
    #[serde(alias = "host_calls")]
    pub host_calls: u64,

    /// Most instances at work at once; further calls wait. Default 256.
    pub instances: u32,
    /// Most idle instances of `pure` plugins that one execution keeps for its next call; 0 gives every call
    /// a fresh one. Default 4.
    #[serde(alias = "warm_instances")]
    pub warm_instances: usize,
    /// Most idle instances kept by all executions together. Default 256.
    #[serde(alias = "idle_instances")]
    pub idle_instances: u32,

    /// Longest time of one outgoing HTTP request, from connecting to the last byte. Default 30s.
    #[serde(with = "duration", alias = "http_time")]
    pub http_time: Duration,
    /// Largest body of one HTTP response. Default 16 MiB.
    #[serde(alias = "http_body")]
    pub http_body: Size,
    /// Most HTTP requests of one call that are open at once. Default 16.
    #[serde(alias = "http_requests")]
    pub http_requests: u32,

    /// A file of certificates (PEM) whose servers are believed besides those that browsers believe, such as those of a
    /// company's own authority. It is read at the start of the host. Default none.
    #[serde(alias = "http_roots", skip_serializing_if = "Option::is_none")]
    pub http_roots: Option<PathBuf>,

    /// Largest component file. Default 64 MiB.
    #[serde(alias = "component_size")]
    pub component_size: Size,
    /// Longest time that compiling one component may take. Default 30s.
    #[serde(with = "duration", alias = "compile_time")]
    pub compile_time: Duration,
    /// Most address space of the compiling process; holds where `compiler` is set. Default 4 GiB.
    #[serde(alias = "compile_memory")]
    pub compile_memory: Size,
    /// Most components that compile at once. Default 1.
    #[serde(alias = "compile_concurrency")]
    pub compile_concurrency: usize,
    /// Most components that wait to be compiled; further ones are refused as busy. Default 16.
    #[serde(alias = "compile_queue")]
    pub compile_queue: usize,
    /// The program that compiles, run as `PROGRAM __compile`. Absent: the host compiles in its own process,
    /// where a compilation that runs over time can only be left behind, not stopped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compiler: Option<PathBuf>,

    /// Longest time of a plugin's `describe`. Default 2s.
    #[serde(with = "duration", alias = "describe_time")]
    pub describe_time: Duration,
    /// Most memory of an instance that is asked to `describe`. Default 64 MiB.
    #[serde(alias = "describe_memory")]
    pub describe_memory: Size,
    /// Earlier versions of each plugin kept for rollback. Default 10.
    #[serde(alias = "kept_versions")]
    pub kept_versions: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            time: Duration::from_secs(30),
            memory: Size::mib(256),
            stack: Size::kib(512),
            input: Size::mib(4),
            output: Size::mib(4),
            log_lines: 1000,
            log_bytes: Size::kib(256),
            host_calls: 1_000_000,
            instances: 256,
            warm_instances: 4,
            idle_instances: 256,
            http_time: Duration::from_secs(30),
            http_body: Size::mib(16),
            http_requests: 16,
            http_roots: None,
            component_size: Size::mib(64),
            compile_time: Duration::from_secs(30),
            compile_memory: Size::mib(4096),
            compile_concurrency: 1,
            compile_queue: 16,
            compiler: None,
            describe_time: Duration::from_secs(2),
            describe_memory: Size::mib(64),
            kept_versions: 10,
        }
    }
}

/// A setting that cannot work.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("sandbox.{key} is {value}: {rule}")]
pub struct SettingsError {
    key: &'static str,
    value: String,
    rule: &'static str,
}

impl Settings {
    /// Refuses settings that cannot work, naming the first.
    pub fn validate(&self) -> Result<(), SettingsError> {
        self.check_durations()?;
        self.check_sizes()?;
        self.check_counts()
    }

    fn check_durations(&self) -> Result<(), SettingsError> {
        let durations = [
            ("time", self.time),
            ("httpTime", self.http_time),
            ("compileTime", self.compile_time),
            ("describeTime", self.describe_time),
        ];
        for (key, duration) in durations {
            let value = DurationText(duration).to_string();
            require(key, value, !duration.is_zero(), "it must be more than nothing")?;
        }
        Ok(())
    }

    fn check_sizes(&self) -> Result<(), SettingsError> {
        let gib = Size::mib(1024);
        let sizes = [
            ("memory", self.memory, Size::kib(64), Size::mib(4096), "it must lie between 64 KiB and 4 GiB"),
            (
                "describeMemory",
                self.describe_memory,
                Size::kib(64),
                gib,
                "it must lie between 64 KiB and 1 GiB",
            ),
            ("stack", self.stack, Size::kib(64), Size::mib(8), "it must lie between 64 KiB and 8 MiB"),
            ("input", self.input, Size::kib(1), gib, "it must lie between 1 KiB and 1 GiB"),
            // Less would refuse the descriptions of ordinary plugins.
            ("output", self.output, Size::kib(64), gib, "it must lie between 64 KiB and 1 GiB"),
            ("logBytes", self.log_bytes, Size::bytes(0), Size::mib(64), "it must be 64 MiB or less"),
            ("httpBody", self.http_body, Size::kib(1), gib, "it must lie between 1 KiB and 1 GiB"),
            ("componentSize", self.component_size, Size::kib(1), gib, "it must lie between 1 KiB and 1 GiB"),
            // Less would not hold the compiler itself.
            (
                "compileMemory",
                self.compile_memory,
                Size::mib(256),
                Size::bytes(u64::MAX),
                "it must be 256 MiB or more",
            ),
        ];
        for (key, size, least, most, rule) in sizes {
            require(key, size.to_string(), (least..=most).contains(&size), rule)?;
        }
        Ok(())
    }

    fn check_counts(&self) -> Result<(), SettingsError> {
        let at_least_one = [
            ("hostCalls", self.host_calls),
            ("instances", self.instances.into()),
            ("httpRequests", self.http_requests.into()),
            ("compileConcurrency", self.compile_concurrency as u64),
        ];
        for (key, count) in at_least_one {
            require(key, count.to_string(), count >= 1, "it must be at least 1")?;
        }
        for (key, count) in [("instances", self.instances), ("idleInstances", self.idle_instances)] {
            require(
                key,
                count.to_string(),
                count <= 10_000,
                "10000 at most: each reserves 4 GiB of addresses",
            )?;
        }
        Ok(())
    }
}

fn require(key: &'static str, value: String, holds: bool, rule: &'static str) -> Result<(), SettingsError> {
    if holds { Ok(()) } else { Err(SettingsError { key, value, rule }) }
}

/// Durations are written as people write them, `30s`.
mod duration {
    use std::time::Duration;

    use orgata_model::duration::DurationText;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        DurationText(*duration).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        DurationText::deserialize(deserializer).map(|text| text.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn defaults_are_valid_and_survive_being_written() {
        let settings = Settings::default();
        assert_eq!(settings.validate(), Ok(()));
        let written = serde_json::to_value(&settings).unwrap();
        assert_eq!(written["time"], json!("30s"));
        assert_eq!(written["memory"], json!("256 MiB"));
        assert_eq!(serde_json::from_value::<Settings>(written).unwrap(), settings);
    }

    #[test]
    fn keys_are_read_in_either_spelling_and_written_in_one() {
        let camel = json!({ "httpTime": "5s", "keptVersions": 3 });
        let snake = json!({ "http_time": "5s", "kept_versions": 3 });
        let read = |value| serde_json::from_value::<Settings>(value).unwrap();
        assert_eq!(read(camel), read(snake));
        let written = serde_json::to_value(Settings::default()).unwrap();
        let keys: Vec<_> = written.as_object().unwrap().keys().filter(|key| key.contains('_')).collect();
        assert!(keys.is_empty(), "{keys:?}");
        // Said twice, it is said once too often.
        assert!(serde_json::from_value::<Settings>(json!({ "httpTime": "5s", "http_time": "6s" })).is_err());
    }

    #[test]
    fn an_unknown_key_is_an_error() {
        assert!(serde_json::from_value::<Settings>(json!({ "tiem": "1s" })).is_err());
    }

    #[test]
    fn a_setting_that_cannot_work_is_named() {
        let settings: Settings = serde_json::from_value(json!({ "describeTime": 0 })).unwrap();
        let error = settings.validate().unwrap_err().to_string();
        assert!(error.starts_with("sandbox.describeTime is "), "{error}");
        let settings = Settings { instances: 0, ..Settings::default() };
        assert!(settings.validate().is_err());
    }
}

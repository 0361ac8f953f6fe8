//! Every limit of building, with its unit and its default.

use std::path::{Path, PathBuf};
use std::time::Duration;

use orgata_model::duration::DurationText;
use serde::{Deserialize, Serialize};

/// The program that makes components of JavaScript, where nobody names another: beside the host.
const COMPONENTIZER: &str = "orgata-componentize";

/// The configuration of the workshop. Unknown keys are errors; absent ones have these defaults.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct Settings {
    /// The program that makes components of JavaScript. Default: `orgata-componentize` beside the host's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub componentizer: Option<PathBuf>,
    /// Longest time that one build from JavaScript may take. Default 30s.
    pub time: DurationText,
    /// Most memory of one build from JavaScript, in bytes. Default 2 GiB.
    pub memory_bytes: u64,
    /// Whether plugins in Rust are built for callers. Their build scripts are programs that run on this machine, so
    /// `confined` needs bubblewrap, and `unconfined` trusts whoever may build. Default confined.
    pub rust: RustBuilds,
    /// Longest time that one build from Rust may take. Default 5m.
    pub rust_time: DurationText,
    /// Most address space of one process of a build from Rust, in bytes. Default 4 GiB.
    pub rust_memory_bytes: u64,
    /// A folder made by `cargo vendor`, with the crates that plugins in Rust may use. Absent: what this machine's Cargo has
    /// fetched before. Builds never use the network.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rust_crates: Option<PathBuf>,
    /// Most builds at once; more wait. Default 1.
    pub concurrency: usize,
    /// Most builds that wait; more are refused as busy. Default 16.
    pub queue: usize,
    /// Most files of one plugin. Default 100.
    pub files: usize,
    /// Most source text of one plugin, in bytes. Default 512 KiB.
    pub source_bytes: usize,
    /// Largest component that a build may give, in bytes. Default 64 MiB.
    pub component_bytes: u64,
}

/// Whether, and how, plugins in Rust are built for callers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RustBuilds {
    /// Not at all.
    Off,
    /// Inside of bubblewrap, with nothing of this machine but its compiler; not at all where it is not installed.
    Confined,
    /// As this process itself, with all that it may do. Only where everybody who may build is trusted with that.
    Unconfined,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            componentizer: None,
            time: DurationText(Duration::from_secs(30)),
            memory_bytes: 2 << 30,
            rust: RustBuilds::Confined,
            rust_time: DurationText(Duration::from_mins(5)),
            rust_memory_bytes: 4 << 30,
            rust_crates: None,
            concurrency: 1,
            queue: 16,
            files: 100,
            source_bytes: 512 << 10,
            component_bytes: 64 << 20,
        }
    }
}

impl Settings {
    /// What is wrong with them, if anything.
    pub fn validate(&self) -> Result<(), String> {
        let counts = [
            ("concurrency", self.concurrency),
            ("files", self.files),
            ("sourceBytes", self.source_bytes),
            ("componentBytes", usize::try_from(self.component_bytes).unwrap_or(usize::MAX)),
        ];
        if let Some((name, _)) = counts.iter().find(|(_, count)| *count == 0) {
            return Err(format!("workshop.{name} must be 1 or more"));
        }
        let times = [("time", self.time), ("rustTime", self.rust_time)];
        if let Some((name, _)) = times.iter().find(|(_, time)| time.0.is_zero()) {
            return Err(format!("workshop.{name} must be longer than nothing"));
        }
        Ok(())
    }

    /// The program that makes components of JavaScript, if it is there.
    pub(crate) fn componentizer(&self) -> Option<PathBuf> {
        let beside = || {
            let own = std::env::current_exe().ok()?;
            Some(own.with_file_name(format!("{COMPONENTIZER}{}", std::env::consts::EXE_SUFFIX)))
        };
        self.componentizer.clone().or_else(beside).filter(|program| Path::is_file(program))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_valid_and_an_unknown_key_is_an_error() {
        assert_eq!(Settings::default().validate(), Ok(()));
        assert!(serde_json::from_str::<Settings>(r#"{ "queues": 1 }"#).is_err());
    }

    #[test]
    fn what_cannot_work_is_named() {
        let settings = Settings { concurrency: 0, ..Settings::default() };
        assert!(settings.validate().unwrap_err().contains("workshop.concurrency"));
        let settings = Settings { time: DurationText(Duration::ZERO), ..Settings::default() };
        assert!(settings.validate().unwrap_err().contains("workshop.time"));
    }
}

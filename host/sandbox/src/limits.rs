//! The limits by name, and the one that wasmtime asks before anything grows.
//!
//! wasmtime's own `StoreLimits` holds each linear memory to a size; [`Limiter`] holds the sum of all
//! memories and tables of an instance to it, so that two memories get no more than one.

use orgata_model::duration::DurationText;
use orgata_model::{Failure, FailureKind};
use wasmtime::ResourceLimiter;

use crate::settings::Settings;

/// A limit of the sandbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Limit {
    Time,
    Memory,
    Stack,
    Input,
    Output,
    HostCalls,
    HttpBody,
    HttpTime,
    HttpRequests,
}

impl Limit {
    pub(crate) const ALL: [Self; 9] = [
        Self::Time,
        Self::Memory,
        Self::Stack,
        Self::Input,
        Self::Output,
        Self::HostCalls,
        Self::HttpBody,
        Self::HttpTime,
        Self::HttpRequests,
    ];

    /// The setting's name.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Time => "time",
            Self::Memory => "memory",
            Self::Stack => "stack",
            Self::Input => "input",
            Self::Output => "output",
            Self::HostCalls => "hostCalls",
            Self::HttpBody => "httpBody",
            Self::HttpTime => "httpTime",
            Self::HttpRequests => "httpRequests",
        }
    }

    /// The setting's value, with its unit.
    fn maximum(self, settings: &Settings) -> String {
        match self {
            Self::Time => DurationText(settings.time).to_string(),
            Self::Memory => settings.memory.to_string(),
            Self::Stack => settings.stack.to_string(),
            Self::Input => settings.input.to_string(),
            Self::Output => settings.output.to_string(),
            Self::HostCalls => format!("{} calls", settings.host_calls),
            Self::HttpBody => settings.http_body.to_string(),
            Self::HttpTime => DurationText(settings.http_time).to_string(),
            Self::HttpRequests => format!("{} requests at once", settings.http_requests),
        }
    }

    /// Only time may be kinder on another try: everything else depends on the guest and its input.
    const fn kind(self) -> FailureKind {
        match self {
            Self::Time | Self::HttpTime => FailureKind::Transient,
            _ => FailureKind::Permanent,
        }
    }

    /// What is recorded of a call that reached this limit.
    pub(crate) fn failure(self, settings: &Settings) -> Failure {
        let hint = format!("give it less to do, or raise sandbox.{}", self.name());
        Failure::limit(self.kind(), self.name(), &self.maximum(settings), &hint)
    }
}

/// A limit that was reached, on its way out of the guest as a trap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the limit `{}` was reached", .0.name())]
pub(crate) struct LimitReached(pub(crate) Limit);

/// Bytes that a table takes for each element: wasmtime keeps a pointer, and a list of pointers for lazy ones.
const TABLE_ELEMENT: usize = size_of::<usize>();

/// How many core instances, memories and tables one component may be made of. A Rust guest has four
/// instances; what Python's tools make has about forty.
const MAX_PARTS: usize = 200;

/// Sums what the memories and tables of one instance take, and refuses what is over.
#[derive(Debug)]
pub(crate) struct Limiter {
    maximum: usize,
    held: usize,
    peak: usize,
    refused: bool,
}

impl Limiter {
    pub(crate) fn new(maximum: usize) -> Self {
        Self { maximum, held: 0, peak: 0, refused: false }
    }

    /// The most that was held at once, in bytes.
    pub(crate) fn peak(&self) -> u64 {
        self.peak as u64
    }

    /// Whether anything was refused. The guest hears of it as a failed allocation, and commonly aborts.
    pub(crate) fn refused(&self) -> bool {
        self.refused
    }

    /// Whether so much is held that the instance had better not be used again: a guest that leaks a little
    /// in each call must not fail in a later one because it was kept.
    pub(crate) fn crowded(&self) -> bool {
        self.held > self.maximum / 2
    }

    fn grow(&mut self, by: usize) -> bool {
        match self.held.checked_add(by).filter(|held| *held <= self.maximum) {
            Some(held) => {
                self.held = held;
                self.peak = self.peak.max(held);
                true
            }
            None => {
                self.refused = true;
                false
            }
        }
    }
}

impl ResourceLimiter for Limiter {
    fn memory_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        Ok(self.grow(desired.saturating_sub(current)))
    }

    fn table_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        Ok(self.grow(desired.saturating_sub(current).saturating_mul(TABLE_ELEMENT)))
    }

    fn instances(&self) -> usize {
        MAX_PARTS
    }

    fn memories(&self) -> usize {
        MAX_PARTS
    }

    fn tables(&self) -> usize {
        MAX_PARTS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memories_and_tables_share_one_limit() {
        let mut limiter = Limiter::new(1000);
        assert!(limiter.memory_growing(0, 600, None).unwrap());
        assert!(!limiter.memory_growing(0, 600, None).unwrap(), "a second memory");
        assert!(!limiter.table_growing(0, 100, None).unwrap(), "a table of 800 bytes");
        assert!(limiter.table_growing(0, 50, None).unwrap());
        assert_eq!(limiter.peak(), 1000);
        assert!(limiter.refused());
    }

    #[test]
    fn every_limit_is_a_setting() {
        let settings = serde_json::to_value(Settings::default()).unwrap();
        for limit in Limit::ALL {
            assert!(settings.get(limit.name()).is_some(), "{}", limit.name());
        }
    }
}

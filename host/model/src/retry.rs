//! When to try again.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::duration::DurationText;
use crate::failure::{Failure, FailureKind};

/// How often and when a failed attempt is followed by another.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RetryPolicy {
    /// At most so many attempts after the first.
    #[serde(default = "defaults::max")]
    pub max: u32,
    /// The longest wait before the second attempt.
    #[serde(default = "defaults::initial")]
    pub initial: DurationText,
    /// How much longer each wait may be than the one before.
    #[serde(default = "defaults::multiplier")]
    pub multiplier: f64,
    /// No wait is longer.
    #[serde(default = "defaults::max_interval", alias = "maxInterval")]
    pub max_interval: DurationText,
    /// How waits are spread, so that many executions do not come back at once.
    #[serde(default)]
    pub jitter: Jitter,
}

/// How waits are spread.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Jitter {
    /// Anywhere between nothing and the whole wait.
    #[default]
    Full,
    /// Between half and the whole wait.
    Equal,
    /// Not at all.
    None,
}

mod defaults {
    use super::{Duration, DurationText};

    pub(super) fn max() -> u32 {
        3
    }
    pub(super) fn initial() -> DurationText {
        DurationText(Duration::from_millis(500))
    }
    pub(super) fn multiplier() -> f64 {
        2.0
    }
    pub(super) fn max_interval() -> DurationText {
        DurationText(Duration::from_mins(1))
    }
}

impl RetryPolicy {
    /// The default waits with this many attempts after the first.
    pub fn times(max: u32) -> Self {
        Self {
            max,
            initial: defaults::initial(),
            multiplier: defaults::multiplier(),
            max_interval: defaults::max_interval(),
            jitter: Jitter::default(),
        }
    }

    /// How long to wait before attempt `attempt + 1`, now that `attempt` failed; `None` to give up.
    ///
    /// `dice` is a number in `0.0..1.0` from the caller, so that the wait is the caller's to reproduce.
    pub fn wait_after(&self, attempt: u32, failure: &Failure, dice: f64) -> Option<Duration> {
        if failure.kind != FailureKind::Transient || attempt > self.max {
            return None;
        }
        let growth = self.multiplier.powi(i32::try_from(attempt.saturating_sub(1)).unwrap_or(i32::MAX));
        let longest = self.max_interval.0.as_secs_f64();
        let wait = (self.initial.0.as_secs_f64() * growth).min(longest).max(0.0);
        let share = match self.jitter {
            Jitter::Full => dice,
            Jitter::Equal => 0.5 + dice / 2.0,
            Jitter::None => 1.0,
        };
        Some(Duration::try_from_secs_f64(wait * share).unwrap_or(self.max_interval.0))
    }

    /// What is wrong with the numbers, if anything.
    pub fn problem(&self) -> Option<&'static str> {
        if !self.multiplier.is_finite() || self.multiplier < 1.0 {
            Some("`multiplier` must be 1 or more")
        } else if self.max > 1000 {
            Some("`max` must be 1000 or less")
        } else {
            None
        }
    }
}

/// A number in `0.0..1.0` that is the same for the same seed: waits differ between executions and are
/// the same in every replay of one.
pub fn dice(seed: &[&[u8]]) -> f64 {
    use sha2::Digest as _;
    let mut hash = sha2::Sha256::new();
    for part in seed {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    let bytes: [u8; 32] = hash.finalize().into();
    let (head, _) = bytes.split_at(8);
    let number = head.iter().fold(0u64, |sum, byte| sum << 8 | u64::from(*byte));
    // 53 bits fill a double's mantissa exactly.
    (number >> 11) as f64 / (1u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(kind: FailureKind) -> Failure {
        Failure::new(kind, "X", "x")
    }

    #[test]
    fn waits_grow_up_to_the_longest() {
        let policy = RetryPolicy { jitter: Jitter::None, max: 20, ..RetryPolicy::times(20) };
        let waits: Vec<_> =
            (1..=9).filter_map(|n| policy.wait_after(n, &failed(FailureKind::Transient), 0.3)).collect();
        assert_eq!(waits[0], Duration::from_millis(500));
        assert_eq!(waits[1], Duration::from_secs(1));
        assert_eq!(waits[8], Duration::from_secs(60));
    }

    #[test]
    fn only_what_may_pass_is_tried_again_and_not_for_ever() {
        let policy = RetryPolicy::times(2);
        assert!(policy.wait_after(2, &failed(FailureKind::Transient), 0.5).is_some());
        assert!(policy.wait_after(3, &failed(FailureKind::Transient), 0.5).is_none());
        assert!(policy.wait_after(1, &failed(FailureKind::Permanent), 0.5).is_none());
        assert!(policy.wait_after(1, &failed(FailureKind::InvalidInput), 0.5).is_none());
    }

    #[test]
    fn full_jitter_is_a_share_of_the_wait() {
        let policy = RetryPolicy::times(1);
        assert_eq!(
            policy.wait_after(1, &failed(FailureKind::Transient), 0.5),
            Some(Duration::from_millis(250))
        );
    }

    #[test]
    fn dice_are_fair_enough_and_repeat() {
        let rolls: Vec<f64> = (0..1000u32).map(|n| dice(&[&n.to_le_bytes()])).collect();
        let mean = rolls.iter().sum::<f64>() / 1000.0;
        assert!((0.45..0.55).contains(&mean), "{mean}");
        assert_eq!(dice(&[b"a", b"b"]).to_bits(), dice(&[b"a", b"b"]).to_bits());
        assert!(rolls.iter().all(|roll| (0.0..1.0).contains(roll)));
    }
}

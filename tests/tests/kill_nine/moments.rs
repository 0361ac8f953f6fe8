//! Random moments, the same again for the same seed.

use std::collections::hash_map::RandomState;
use std::env;
use std::hash::{BuildHasher as _, Hasher as _};
use std::ops::Range;

/// Repeats the moments of an earlier run.
const SEED: &str = "ORGATA_SEED";

/// A row of random numbers (SplitMix64).
pub(crate) struct Moments {
    state: u64,
}

impl Moments {
    /// A new row each time, or the one that the environment names. The seed is printed: a test that fails
    /// shows it.
    pub(crate) fn new() -> Self {
        let named = env::var(SEED).ok().map(|seed| seed.parse().expect("the seed is a number"));
        let seed = named.unwrap_or_else(|| RandomState::new().build_hasher().finish());
        println!("{SEED}={seed} repeats these moments");
        Self { state: seed }
    }

    /// The next one, in this range.
    pub(crate) fn within(&mut self, range: Range<u64>) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        range.start + (mixed ^ (mixed >> 31)) % (range.end - range.start)
    }
}

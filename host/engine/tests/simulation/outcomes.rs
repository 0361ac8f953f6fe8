//! What operations come to in a random world.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use orgata_engine::ports::Call;
use orgata_model::Failure;
use serde_json::json;

use crate::rng::Rng;
use crate::support::operations::{Scripted, World, question};

/// How operations of a world go.
#[derive(Clone, Default)]
pub(crate) struct Mood {
    /// Everybody means well: they do what they should.
    pub(crate) kind: Arc<AtomicBool>,
    /// One took its driver with it, or hangs for ever: somebody must start the host anew.
    pub(crate) stuck: Arc<AtomicBool>,
}

/// Operations of this world do anything, until everybody means well.
pub(crate) fn let_anything_happen(world: &World, seed: u64, mood: &Mood) {
    let (mut dice, mood) = (Rng::of(seed), mood.clone());
    world.decides(move |call| {
        if mood.kind.load(Ordering::SeqCst) {
            return done();
        }
        let outcome = outcome(call, &mut dice);
        let stuck = match outcome {
            Scripted::Panic => true,
            Scripted::Hang => call.timeout.is_none(),
            _ => false,
        };
        mood.stuck.fetch_or(stuck, Ordering::SeqCst);
        outcome
    });
}

fn done() -> Scripted {
    Scripted::Done(json!({ "n": 1 }))
}

fn outcome(call: &Call, dice: &mut Rng) -> Scripted {
    match dice.roll(26) {
        0..=2 => Scripted::Fail(Failure::transient("BUSY", "try later")),
        3 | 4 => Scripted::Fail(Failure::permanent("BROKEN", "it is broken")),
        5 => Scripted::Fail(Failure::invalid_input("BAD", "it cannot be so")),
        6 | 7 => {
            let mut asked = question("Which?", json!({ "asked": call.attempt }));
            asked.timeout = dice.once_in(3).then_some(Duration::from_secs(25));
            Scripted::Ask(asked)
        }
        8 | 9 => {
            let time = Duration::from_millis(dice.roll(60_000));
            let then =
                if dice.once_in(3) { Scripted::Fail(Failure::transient("LATE", "late")) } else { done() };
            Scripted::Slow(time, Box::new(then))
        }
        10 => Scripted::Slow(Duration::from_millis(dice.roll(100)), Box::new(done())),
        11 => Scripted::Progress(vec![(0.3, "begun"), (0.6, "half")]),
        12 if dice.once_in(8) => Scripted::Panic,
        12 if call.timeout.is_some() || dice.once_in(8) => Scripted::Hang,
        _ => done(),
    }
}

//! What befalls the host.

use std::time::Duration;

use crate::rng::Rng;
use crate::support::TestHost;
use crate::support::life::Life;

/// A crash, or the boundary of one to come is passed: the next life.
pub(crate) async fn next_life(host: &mut TestHost, last: u64) {
    host.life.kill();
    // What was written and not synced is lost with the life that wrote it.
    host.store.release();
    for _ in 0..3 {
        tokio::task::yield_now().await;
    }
    host.store.unavailable(false);
    host.store.refuse_next(0);
    host.store.flaky(0);
    host.begin(Life::new(last)).await.unwrap();
}

/// A life that ends by itself at some boundary, or not.
pub(crate) fn some_life(dice: &mut Rng) -> u64 {
    if dice.once_in(3) { 0 } else { 1 + dice.roll(60) }
}

/// Stops the host in good order, as far as it goes. `false`: it does not stop.
pub(crate) async fn stop(host: &TestHost) -> bool {
    let engine = host.engine.clone();
    let stopping = tokio::spawn(async move { engine.stop().await });
    for _ in 0..8 {
        host.settle().await;
        if stopping.is_finished() || host.life.is_over() {
            return true;
        }
        host.clock.advance(Duration::from_secs(6));
    }
    stopping.is_finished()
}

/// Something happens to the store or to the clock.
pub(crate) fn befall(host: &TestHost, dice: &mut Rng) -> String {
    match dice.roll(13) {
        10..=12 => {
            let one_in = usize::try_from(dice.roll(5)).unwrap();
            host.store.flaky(one_in);
            format!("the store refuses one in {one_in}")
        }
        0 | 1 => {
            let appends = usize::try_from(1 + dice.roll(4)).unwrap();
            host.store.refuse_next(appends);
            format!("the store refuses {appends} appends")
        }
        2 => {
            host.store.unavailable(true);
            "the store is gone".to_owned()
        }
        3 | 4 => {
            host.store.unavailable(false);
            "the store is back".to_owned()
        }
        5 => {
            host.store.hold();
            "the store is slow".to_owned()
        }
        6 | 7 => {
            host.store.release();
            "the store is quick".to_owned()
        }
        8 => {
            let seconds = dice.roll(600);
            host.clock.advance(Duration::from_secs(seconds));
            format!("the clock jumps {seconds} s ahead")
        }
        _ => {
            let back = Duration::from_secs(dice.roll(40));
            host.clock.set(host.clock.time() - back);
            format!("the clock is set back by {back:?}")
        }
    }
}

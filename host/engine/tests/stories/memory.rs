//! What waits takes no memory, and everything that is due is met.

use std::time::Duration;

use orgata_engine::Settings;
use orgata_model::Failure;
use orgata_model::execution::Status;
use serde_json::json;

use crate::durability::steps;
use crate::support::life::Life;
use crate::support::{Scripted, TestHost};

fn asks(name: &str, after: &str) -> String {
    format!(
        "name: {name}\nsteps:\n  - {{ name: ask, intervention: {{ prompt: Well?, timeout: {{ after: {after}, answer: no }} }} }}\n"
    )
}

#[tokio::test]
async fn ten_thousand_timers_that_are_due_at_once_are_all_met() {
    // Fewer places than timers: what cannot be at work yet stays on disk.
    let settings = Settings { active_executions: 50, ..Settings::default() };
    let mut host = TestHost::with(settings).await;
    host.publish(&asks("story", "1h")).await;
    let mut ids = Vec::new();
    for n in 0..10_000 {
        ids.push(host.start(json!({ "n": n })).await);
        if n % 40 == 0 {
            host.settle().await;
        }
    }
    host.settle().await;
    assert_eq!((host.store.open().len(), host.engine.active()), (10_000, 0));
    // Half of them in this life, and then the host is down when the rest comes due.
    host.clock.advance(Duration::from_secs(3_600));
    let ended =
        |host: &TestHost| ids.iter().filter(|id| host.status(**id) == Some(Status::Succeeded)).count();
    let mut most = 0;
    while ended(&host) < 5_000 {
        // Counting takes longer than what a turn gives to be counted.
        for _ in 0..200 {
            most = most.max(host.engine.active());
            tokio::task::yield_now().await;
        }
    }
    assert!(most <= 51, "{most} were in memory at once");
    host.crash().await;
    host.settle().await;
    assert_eq!((ended(&host), host.engine.active()), (10_000, 0));
}

#[tokio::test]
async fn timers_are_met_in_the_order_of_their_times_whenever_they_are_set() {
    let host = TestHost::new().await;
    // The later ones first, so that each rings the bell for an earlier time.
    for minutes in [50, 40, 30, 20, 10] {
        host.publish(&asks("story", &format!("{minutes}m"))).await;
        host.start(json!({ "minutes": minutes })).await;
        host.settle().await;
    }
    for left in [5, 4, 3, 2, 1, 0] {
        assert_eq!(host.store.open().len(), left);
        host.advance(Duration::from_secs(600)).await;
    }
}

#[tokio::test]
async fn a_host_with_nothing_due_hardly_asks_its_store() {
    let host = TestHost::new().await;
    host.publish(&asks("story", "30d")).await;
    host.start(json!({})).await;
    host.settle().await;
    let before = host.store.reads();
    for _ in 0..60 {
        host.advance(Duration::from_secs(1)).await;
    }
    assert!(host.store.reads() - before <= 6, "{} reads in a minute", host.store.reads() - before);
}

#[tokio::test]
async fn what_is_overdue_and_cannot_be_met_now_does_not_make_the_timekeeper_spin() {
    let host = TestHost::with(Settings { active_executions: 1, ..Settings::default() }).await;
    host.publish(&asks("story", "1m")).await;
    let id = host.start(json!({})).await;
    host.settle().await;
    host.publish(&steps(&["mail/send"])).await;
    host.world.hold("mail/send");
    let busy = host.start(json!({ "v": 1 })).await;
    // The one place is taken, and the timer comes due.
    host.advance(Duration::from_secs(60)).await;
    let before = host.store.reads();
    host.advance(Duration::from_secs(600)).await;
    assert!(host.store.reads() - before < 30, "{}", host.store.reads() - before);
    host.world.release("mail/send");
    host.until_status(busy, Status::Succeeded).await;
    host.until_status(id, Status::Succeeded).await;
}

#[tokio::test]
async fn recovery_brings_back_no_more_than_there_are_places() {
    let mut host = TestHost::new().await;
    host.publish(&steps(&["mail/put"])).await;
    host.world.hold("mail/put");
    for n in 0..200 {
        host.start(json!({ "v": n })).await;
    }
    host.settle().await;
    host.life.kill();
    host.settings.active_executions = 10;
    host.begin(Life::new(0)).await.unwrap();
    host.settle().await;
    assert!(host.engine.active() <= 11, "{}", host.engine.active());
    host.world.release("mail/put");
    host.settle().await;
    assert!(host.store.ids().into_iter().all(|id| host.status(id) == Some(Status::Succeeded)));
}

#[tokio::test]
async fn a_short_wait_stays_in_memory_and_a_long_one_does_not() {
    let host = TestHost::new().await;
    let policy = |wait: &str| {
        format!(
            "name: story\nsteps:\n  - {{ name: a, operation: mail/put, retries: {{ max: 1, initial: {wait}, max_interval: 1h, jitter: none }} }}\n"
        )
    };
    for (wait, resident) in [("1s", 1), ("10m", 0)] {
        host.world.script("mail/put", [Scripted::Fail(Failure::transient("BUSY", "later"))]);
        host.publish(&policy(wait)).await;
        let id = host.start(json!({})).await;
        host.settle().await;
        assert_eq!(host.engine.active(), resident, "{wait}");
        host.advance(Duration::from_secs(600)).await;
        assert_eq!((host.status(id), host.engine.active()), (Some(Status::Succeeded), 0));
    }
}

#[tokio::test]
async fn a_clock_that_is_set_forward_meets_what_is_due() {
    let host = TestHost::new().await;
    host.publish(&asks("story", "1d")).await;
    let id = host.start(json!({})).await;
    host.settle().await;
    host.clock.set(host.clock.time() + Duration::from_secs(400 * 86_400));
    host.until_status(id, Status::Succeeded).await;
}

#[tokio::test]
async fn a_clock_that_is_set_back_loses_nothing() {
    let host = TestHost::new().await;
    host.publish(&asks("story", "1h")).await;
    let first = host.start(json!({})).await;
    host.settle().await;
    host.clock.set(host.clock.time() - jiff::SignedDuration::from_hours(5));
    let second = host.start(json!({})).await;
    host.settle().await;
    host.advance(Duration::from_secs(3_600)).await;
    assert_eq!((host.status(first), host.status(second)), (Some(Status::Waiting), Some(Status::Succeeded)));
    host.advance(Duration::from_secs(5 * 3_600)).await;
    assert_eq!(host.status(first), Some(Status::Succeeded));
}

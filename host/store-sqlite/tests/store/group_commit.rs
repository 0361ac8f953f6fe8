//! Many appends at once share their flushes.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::samples::{Home, whole};
use metrics::{Counter, CounterFn, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit};
use orgata_engine::ports::Store as _;

/// Counts commits, and nothing else.
#[derive(Default)]
struct Commits(Arc<Count>);

#[derive(Default)]
struct Count(AtomicU64);

impl CounterFn for Count {
    fn increment(&self, value: u64) {
        self.0.fetch_add(value, Ordering::Relaxed);
    }

    fn absolute(&self, value: u64) {
        self.0.store(value, Ordering::Relaxed);
    }
}

impl Recorder for Commits {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        if key.name() == "orgata_store_commits_total" {
            return Counter::from_arc(Arc::clone(&self.0));
        }
        Counter::noop()
    }

    fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::noop()
    }

    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::noop()
    }
}

#[test]
fn a_hundred_appends_at_once_cost_a_few_commits() {
    let commits = Commits::default();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    metrics::with_local_recorder(&commits, || {
        runtime.block_on(async {
            let home = Home::new();
            let store = Arc::new(home.open().await);
            let mut clients = tokio::task::JoinSet::new();
            for number in 0..100 {
                let store = Arc::clone(&store);
                clients.spawn(async move { store.append(whole(number)).await.unwrap() });
            }
            clients.join_all().await;
            store.close().await.unwrap();
        });
    });
    let commits = commits.0.0.load(Ordering::Relaxed);
    assert!((1..=10).contains(&commits), "{commits} commits");
}

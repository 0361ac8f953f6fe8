//! How many executions of ten steps (22 events each) a store takes, a second: `cargo bench -p orgata-store-sqlite`.
//!
//! One at a time shows what a flush costs; fifty and a hundred at a time show what group commit makes of it; the
//! same in a store with 100,000 old executions shows whether it stays flat. The caller's encoding is included.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on should stop here"
)]

#[path = "../tests/store/samples.rs"]
mod samples;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use orgata_engine::ports::{Append, Store as _};
use orgata_store_sqlite::{SqliteStore, measure_flush};
use samples::{Home, execution, whole};
use tokio::runtime::Runtime;

const OLD: u64 = 100_000;

/// Copies of one execution under ids that were not used before.
struct Orders {
    template: Append,
    used: AtomicU64,
}

impl Orders {
    fn next(&self) -> Append {
        let number = self.used.fetch_add(1, Ordering::Relaxed);
        let mut append = self.template.clone();
        append.summary.id = execution(u128::from(number));
        append.summary.started_at = samples::at(i64::try_from(number).unwrap());
        append
    }
}

/// Appends this many, so many at a time.
async fn append(store: &Arc<SqliteStore>, orders: &Arc<Orders>, count: u64, at_a_time: u64) -> Duration {
    let began = Instant::now();
    let left = Arc::new(AtomicU64::new(count));
    let clients: Vec<_> = (0..at_a_time)
        .map(|_| {
            let (store, orders, left) = (Arc::clone(store), Arc::clone(orders), Arc::clone(&left));
            tokio::spawn(async move {
                while left
                    .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1))
                    .is_ok()
                {
                    store.append(orders.next()).await.unwrap();
                }
            })
        })
        .collect();
    for client in clients {
        client.await.unwrap();
    }
    began.elapsed()
}

fn bench(criterion: &mut Criterion) {
    let runtime = Runtime::new().unwrap();
    let home = Home::new();
    println!("flush: {:?}", runtime.block_on(measure_flush(home.folder.path())).unwrap());
    let store = Arc::new(runtime.block_on(home.open()));
    let orders = Arc::new(Orders { template: whole(0), used: AtomicU64::new(0) });
    for name in ["append", "append_beside_100k_old"] {
        let missing = OLD.saturating_sub(orders.used.load(Ordering::Relaxed));
        if name != "append" {
            runtime.block_on(append(&store, &orders, missing, 100));
        }
        let mut group = criterion.benchmark_group(name);
        group.throughput(Throughput::Elements(1)).sample_size(20).measurement_time(Duration::from_secs(5));
        for at_a_time in [1, 50, 100] {
            group.bench_with_input(
                BenchmarkId::new("at_a_time", at_a_time),
                &at_a_time,
                |bencher, &at_a_time| {
                    bencher.iter_custom(|count| runtime.block_on(append(&store, &orders, count, at_a_time)));
                },
            );
        }
        group.finish();
    }
    runtime.block_on(store.close()).unwrap();
}

criterion_group!(benches, bench);
criterion_main!(benches);

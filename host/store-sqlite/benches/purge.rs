//! What live appends notice of a purge: `cargo bench -p orgata-store-sqlite --bench purge`.
//!
//! Two stores in turn, each with 100,000 old executions: appends for a while with nothing beside them, then appends
//! for as long as the old ones are purged. Printed are the latencies of both, and how long the purge took.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a benchmark that cannot go on should stop here"
)]

#[path = "../tests/store/samples.rs"]
mod samples;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use orgata_engine::ports::Store as _;
use orgata_store_sqlite::{SqliteStore, measure_flush};
use samples::{Home, execution, whole};
use tokio::runtime::Runtime;

const OLD: u64 = 100_000;
const ALONE: Duration = Duration::from_secs(5);
/// Ids that one call of purge is given, as a page of the engine's.
const PAGE: usize = 512;

/// Appends so many at a time until it is told to stop; how long each took.
async fn append(
    store: &Arc<SqliteStore>,
    used: &Arc<AtomicU64>,
    at_a_time: u64,
    go_on: &Arc<AtomicBool>,
) -> Vec<Duration> {
    let clients: Vec<_> = (0..at_a_time)
        .map(|_| {
            let (store, used, go_on) = (Arc::clone(store), Arc::clone(used), Arc::clone(go_on));
            tokio::spawn(async move {
                let template = whole(0);
                let mut times = Vec::new();
                while go_on.load(Ordering::Relaxed) {
                    let number = used.fetch_add(1, Ordering::Relaxed);
                    let mut append = template.clone();
                    append.summary.id = execution(u128::from(number));
                    append.summary.started_at = samples::at(i64::try_from(number).unwrap());
                    let began = Instant::now();
                    store.append(append).await.unwrap();
                    times.push(began.elapsed());
                }
                times
            })
        })
        .collect();
    let mut times = Vec::new();
    for client in clients {
        times.extend(client.await.unwrap());
    }
    times.sort_unstable();
    times
}

fn at(times: &[Duration], per_mille: usize) -> Duration {
    times[(times.len() * per_mille / 1000).min(times.len() - 1)]
}

fn tell(name: &str, times: &[Duration], took: Duration) {
    let rate = times.len() as f64 / took.as_secs_f64();
    let [p50, p99, p999] = [500, 990, 999].map(|part| at(times, part));
    println!("  {name:<14} {rate:>8.0}/s  p50 {p50:>9.1?}  p99 {p99:>9.1?}  p99.9 {p999:>9.1?}");
}

async fn measure(at_a_time: u64) {
    let home = Home::new();
    println!("{at_a_time} at a time; a flush takes {:?}", measure_flush(home.folder.path()).await.unwrap());
    let store = Arc::new(home.open().await);
    let used = Arc::new(AtomicU64::new(0));
    let go_on = Arc::new(AtomicBool::new(true));
    let (full, enough) = (Arc::clone(&used), Arc::clone(&go_on));
    let filling = tokio::spawn(async move {
        while full.load(Ordering::Relaxed) < OLD {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        enough.store(false, Ordering::Relaxed);
    });
    append(&store, &used, 100, &go_on).await;
    filling.await.unwrap();

    go_on.store(true, Ordering::Relaxed);
    let enough = Arc::clone(&go_on);
    tokio::spawn(async move {
        tokio::time::sleep(ALONE).await;
        enough.store(false, Ordering::Relaxed);
    });
    let began = Instant::now();
    let alone = append(&store, &used, at_a_time, &go_on).await;
    tell("alone", &alone, began.elapsed());

    go_on.store(true, Ordering::Relaxed);
    let before = store.size().await.unwrap();
    let (purging, enough) = (Arc::clone(&store), Arc::clone(&go_on));
    let began = Instant::now();
    let purge = tokio::spawn(async move {
        let ids: Vec<_> = (0..u128::from(OLD)).map(execution).collect();
        let mut gone = 0;
        for page in ids.chunks(PAGE) {
            gone += purging.purge(page).await.unwrap().len();
        }
        let took = began.elapsed();
        enough.store(false, Ordering::Relaxed);
        (gone, took)
    });
    let beside = append(&store, &used, at_a_time, &go_on).await;
    tell("beside a purge", &beside, began.elapsed());
    let (gone, took) = purge.await.unwrap();
    let after = store.size().await.unwrap();
    println!(
        "  {gone} purged in {took:.1?}; p99 by a factor of {:.2}; {before:?}, then {after:?}",
        at(&beside, 990).as_secs_f64() / at(&alone, 990).as_secs_f64()
    );
    store.close().await.unwrap();
}

fn main() {
    let runtime = Runtime::new().unwrap();
    for at_a_time in [1, 50] {
        runtime.block_on(measure(at_a_time));
    }
}

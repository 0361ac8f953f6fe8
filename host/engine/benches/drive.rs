//! Executions of ten pure steps through the whole engine, with fakes around it: what the engine itself costs.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on should stop here"
)]

#[path = "../tests/support/mod.rs"]
mod support;

use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use orgata_engine::StartRequest;
use serde_json::json;

use support::TestHost;
use support::host::request;

const TOGETHER: u64 = 64;

fn ten_steps() -> String {
    let steps: String = (0..10)
        .map(|at| format!("  - {{ name: s{at}, operation: calc/echo, params: {{ v: $input.v }} }}\n"))
        .collect();
    format!("name: story\nsteps:\n{steps}")
}

fn drive(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let host = runtime.block_on(async {
        let mut host = TestHost::new().await;
        host.store.unchecked();
        host.world.records = false;
        host.crash().await;
        host.publish(&ten_steps()).await;
        host
    });
    let start = || StartRequest { wait: Some(Duration::from_secs(60)), ..request(json!({ "v": 1 })) };
    let mut group = criterion.benchmark_group("ten pure steps");
    group.throughput(Throughput::Elements(1));
    group.bench_function("one at a time", |bencher| {
        bencher.to_async(&runtime).iter(|| async { host.try_start(start()).await.unwrap() });
    });
    group.throughput(Throughput::Elements(TOGETHER));
    group.bench_function("sixty-four together", |bencher| {
        bencher.to_async(&runtime).iter(|| async {
            let mut all = tokio::task::JoinSet::new();
            for _ in 0..TOGETHER {
                let engine = host.engine.clone();
                let request = start();
                all.spawn(async move {
                    engine.start(&support::host::ada(), &support::host::runtime(), request).await.unwrap()
                });
            }
            all.join_all().await
        });
    });
    group.finish();
}

criterion_group!(benches, drive);
criterion_main!(benches);

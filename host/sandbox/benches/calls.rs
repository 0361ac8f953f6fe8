//! What loading and calling cost: compiling, loading from the cache, a call on a fresh instance, a call on a
//! warm one. The guest does next to nothing, so this is the sandbox's own share.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says what went wrong by panicking"
)]

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use orgata_engine::ports::{
    Call, Operations as _, Plugins as _, Session, SessionContext, Source, SystemClock,
};
use orgata_model::runtime::Environment;
use orgata_sandbox::{Sandbox, Settings};
use serde_json::json;
use tokio::runtime::Runtime;

fn guest(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/guests").join(format!("{name}.wasm"));
    std::fs::read(&path)
        .unwrap_or_else(|error| panic!("{}: {error}: run `cargo xtask plugins` first", path.display()))
}

fn source() -> Source {
    Source::Upload { by: "bench".to_owned() }
}

async fn open(settings: Settings, data: &Path) -> Sandbox {
    Sandbox::open(settings, data, Arc::new(SystemClock)).await.unwrap()
}

fn session(sandbox: &Sandbox) -> Box<dyn Session> {
    sandbox.open(SessionContext {
        execution: "exec_0192f3a0000070008000000000000001".parse().unwrap(),
        runtime: "bench".parse().unwrap(),
        environment: Environment::Development,
        grants: Arc::default(),
        config: Arc::default(),
        secrets: Arc::default(),
        states: None,
        model: None,
    })
}

fn call(sandbox: &Sandbox) -> Call {
    let operation = "bench/noop".parse().unwrap();
    let digest = sandbox.catalog().operation(&operation).unwrap().digest;
    Call {
        digest,
        operation,
        step: "noop".parse().unwrap(),
        iterations: Vec::new(),
        undoes: false,
        attempt: 1,
        idempotency_key: "exec_0192f3a0000070008000000000000001:noop".to_owned(),
        role: None,
        started_at: "2026-01-02T03:04:05Z".parse().unwrap(),
        timeout: Some(Duration::from_secs(10)),
        input: Arc::new(json!({})),
        resume: None,
        progress: None,
    }
}

fn loading(criterion: &mut Criterion) {
    let runtime = Runtime::new().unwrap();
    let mut group = criterion.benchmark_group("load");
    group.sample_size(10).measurement_time(Duration::from_secs(5));
    for name in ["bench", "kitchen"] {
        let bytes = guest(name);
        group.bench_function(format!("{name} compiled"), |bencher| {
            bencher.to_async(&runtime).iter_batched(
                || (tempfile::tempdir().unwrap(), bytes.clone()),
                |(data, bytes)| async move {
                    let sandbox = open(Settings::default(), data.path()).await;
                    sandbox.load(bytes, source()).await.unwrap();
                    data
                },
                BatchSize::PerIteration,
            );
        });
    }
    let data = tempfile::tempdir().unwrap();
    runtime.block_on(async {
        let sandbox = open(Settings::default(), data.path()).await;
        sandbox.load(guest("kitchen"), source()).await.unwrap();
        sandbox.load(guest("bench"), source()).await.unwrap();
    });
    group.bench_function("open and first call, from the cache", |bencher| {
        bencher.to_async(&runtime).iter(|| async {
            let sandbox = open(Settings::default(), data.path()).await;
            session(&sandbox).call(call(&sandbox)).await.outcome.unwrap()
        });
    });
}

fn calling(criterion: &mut Criterion) {
    let runtime = Runtime::new().unwrap();
    let mut group = criterion.benchmark_group("call");
    for (name, warm_instances) in [("fresh", 0), ("warm", 1)] {
        let data = tempfile::tempdir().unwrap();
        let sandbox = runtime.block_on(async {
            let sandbox = open(Settings { warm_instances, ..Settings::default() }, data.path()).await;
            sandbox.load(guest("bench"), source()).await.unwrap();
            sandbox
        });
        let session = session(&sandbox);
        group.bench_function(name, |bencher| {
            bencher.to_async(&runtime).iter_batched(
                || call(&sandbox),
                |call| async { session.call(call).await.outcome.unwrap() },
                BatchSize::SmallInput,
            );
        });
    }
    let data = tempfile::tempdir().unwrap();
    let sandbox = runtime.block_on(async {
        let sandbox = open(Settings::default(), data.path()).await;
        sandbox.load(guest("bench"), source()).await.unwrap();
        sandbox
    });
    group.bench_function("ten in a session of their own", |bencher| {
        bencher.to_async(&runtime).iter(|| async {
            let session = session(&sandbox);
            for _ in 0..10 {
                session.call(call(&sandbox)).await.outcome.unwrap();
            }
        });
    });
}

criterion_group!(benches, loading, calling);
criterion_main!(benches);

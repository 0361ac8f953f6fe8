//! Instances that are used again: only pure ones, only inside one execution, never after any trouble.

use orgata_sandbox::Settings;
use serde_json::{Value, json};

use crate::support::{Bench, component, done};
use orgata_engine::ports::{Plugins as _, Source};

/// Counts its calls in its own memory.
const REMEMBERS: &str = r#"(component
    (core module $m
        (global $n (mut i32) (i32.const 0))
        (func (export "next") (param $trap i32) (result i32)
            (global.set $n (i32.add (global.get $n) (i32.const 1)))
            (if (local.get $trap) (then (unreachable)))
            (global.get $n)))
    (core instance $i (instantiate $m))
    (func (export "next") (param "trap" bool) (result u32) (canon lift (core func $i "next"))))"#;

async fn bench(settings: Settings) -> Bench {
    let bench = Bench::with(settings).await;
    bench.sandbox.load(component(REMEMBERS), Source::File("remembers.wasm".into())).await.unwrap();
    bench
}

async fn next(bench: &Bench, session: &dyn orgata_engine::ports::Session) -> Value {
    done(session.call(bench.call("remembers/next", json!({ "trap": false }))).await)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pure_instance_serves_its_execution_and_no_other() {
    let bench = bench(Settings::default()).await;
    let (one, two) = (bench.session(), bench.session());
    assert_eq!(next(&bench, &*one).await, json!(1));
    assert_eq!(next(&bench, &*one).await, json!(2));
    assert_eq!(next(&bench, &*two).await, json!(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trap_ends_an_instance() {
    let bench = bench(Settings::default()).await;
    let session = bench.session();
    next(&bench, &*session).await;
    let trap = session.call(bench.call("remembers/next", json!({ "trap": true }))).await;
    assert!(trap.outcome.is_err());
    assert_eq!(next(&bench, &*session).await, json!(1), "a fresh one");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_warm_instances_every_call_is_the_first() {
    for settings in [
        Settings { warm_instances: 0, ..Settings::default() },
        Settings { idle_instances: 0, ..Settings::default() },
    ] {
        let bench = bench(settings).await;
        let session = bench.session();
        assert_eq!(next(&bench, &*session).await, json!(1));
        assert_eq!(next(&bench, &*session).await, json!(1));
    }
}

/// More executions than places, each with an instance at rest: nobody waits for anybody for ever.
#[tokio::test(flavor = "multi_thread")]
async fn idle_instances_hold_no_places() {
    let bench = bench(Settings { instances: 2, idle_instances: 3, ..Settings::default() }).await;
    let sessions: Vec<_> = (0..20).map(|_| bench.session()).collect();
    for round in 1..=3 {
        for session in &sessions {
            assert!(next(&bench, &**session).await.as_u64().unwrap() <= round);
        }
    }
}

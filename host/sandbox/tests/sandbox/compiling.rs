//! Compiling inside the host: bounded, cached, private.

use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;
use std::time::Duration;

use orgata_engine::ports::{Plugins as _, Source, SystemClock};
use orgata_sandbox::{Sandbox, Settings};
use serde_json::json;

use crate::support::{Bench, component, guest, upload};

/// A component whose one function takes the compiler a while.
fn laborious(instructions: usize) -> Vec<u8> {
    let body =
        "(local.set 0 (i64.mul (i64.add (local.get 0) (local.get 1)) (i64.const 3)))\n".repeat(instructions);
    component(&format!(
        r#"(component
            (core module $m (func (export "f") (result i32) (local i64 i64) {body} (i32.wrap_i64 (local.get 0))))
            (core instance $i (instantiate $m))
            (func (export "f") (result u32) (canon lift (core func $i "f"))))"#
    ))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_component_that_is_long_to_compile_is_refused() {
    let bench = Bench::with(Settings { compile_time: Duration::from_millis(1), ..Settings::default() }).await;
    let error = bench.sandbox.load(laborious(200_000), Source::File("long.wasm".into())).await.unwrap_err();
    assert_eq!(error.code, "COMPILE_LIMIT", "{error:?}");
    assert!(error.message.contains("compileTime") && error.message.contains("1ms"), "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn too_many_at_once_are_told_to_come_back() {
    let settings = Settings { compile_queue: 0, ..Settings::default() };
    let bench = Arc::new(Bench::with(settings).await);
    let components: Vec<_> = (0..4).map(|n| laborious(60_000 + n)).collect();
    let load = |(n, bytes)| {
        let bench = Arc::clone(&bench);
        tokio::spawn(
            async move { bench.sandbox.load(bytes, Source::File(format!("l{n}.wasm").into())).await },
        )
    };
    let loads: Vec<_> = components.into_iter().enumerate().map(load).collect();
    let mut codes = Vec::new();
    for load in loads {
        codes.push(load.await.unwrap().map_or_else(|error| error.code, |_| "ok"));
    }
    assert!(codes.contains(&"ok") && codes.contains(&"BUSY"), "{codes:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_compiled_once_is_not_compiled_again() {
    let bench = Bench::new().await;
    assert!(bench.load("bench").await.compile_ms.is_some());
    bench.load("counter-1").await;
    let bench = bench.reopened().await;
    let again = bench.sandbox.inspect(guest("bench"), upload()).await.unwrap();
    assert_eq!(again.compile_ms, None, "it came from the cache");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cache_that_others_can_write_is_not_used() {
    let data = tempfile::tempdir().unwrap();
    std::fs::create_dir(data.path().join("cache")).unwrap();
    std::fs::set_permissions(data.path().join("cache"), std::fs::Permissions::from_mode(0o777)).unwrap();
    let Err(error) = Sandbox::open(Settings::default(), data.path(), Arc::new(SystemClock)).await else {
        panic!("it opened")
    };
    assert!(error.to_string().contains("cache"), "{error}");

    let bench = Bench::new().await;
    bench.load("bench").await;
    let cached = std::fs::read_dir(bench.data.path().join("cache")).unwrap().next().unwrap().unwrap().path();
    std::fs::set_permissions(&cached, std::fs::Permissions::from_mode(0o666)).unwrap();
    let bench = bench.reopened().await;
    assert!(
        bench.sandbox.inspect(guest("bench"), upload()).await.unwrap().compile_ms.is_some(),
        "it was compiled again"
    );
    assert!(bench.done("bench/noop", json!({})).await.is_object());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_compiler_that_cannot_be_run_is_told() {
    let settings = Settings { compiler: Some("/nowhere/orgata".into()), ..Settings::default() };
    let error = Bench::with(settings).await.refusal(guest("bench")).await;
    assert_eq!(error.code, "IO");
    assert!(error.message.contains("does not start"), "{error:?}");
}

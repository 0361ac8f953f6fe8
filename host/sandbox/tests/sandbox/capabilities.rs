//! What a guest may see and reach: nothing of the machine, and of the rest only what was granted.

use orgata_model::operation::EffectClass;
use orgata_model::runtime::Grants;
use serde_json::{Value, json};

use crate::support::{Bench, done, failed};

#[tokio::test(flavor = "multi_thread")]
async fn the_effect_class_follows_from_the_imports() {
    let bench = Bench::new().await;
    for (guest, effect) in [
        ("kitchen", EffectClass::Pure),
        ("odd-look-around", EffectClass::Pure),
        ("arithmetic", EffectClass::Pure),
        ("odd-observer", EffectClass::Observing),
        ("odd-keeper", EffectClass::Effectful),
        ("odd-sampler", EffectClass::Effectful),
        ("http-fetch", EffectClass::Effectful),
    ] {
        let plugin = match guest {
            "arithmetic" => continue,
            guest => bench.load(guest).await,
        };
        assert_eq!(plugin.effect, effect, "{guest}: {:?}", plugin.imports);
        assert!(plugin.operations.iter().all(|operation| operation.effect == effect));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_sees_nothing_of_the_machine_and_the_same_each_time() {
    let bench = Bench::new().await;
    bench.load("odd-look-around").await;
    let context = crate::support::context(Default::default(), "look-around");
    let look = |attempt: u32, step: &str| {
        let mut call = bench.call("look-around/look", json!({}));
        call.attempt = attempt;
        call.step = step.parse().unwrap();
        let session = orgata_engine::ports::Operations::open(&bench.sandbox, context.clone());
        async move { done(session.call(call).await) }
    };
    let seen = look(1, "a").await;
    for nothing in ["environment", "arguments", "files"] {
        assert_eq!(seen[nothing], json!([]), "{seen}");
    }
    let started: jiff::Timestamp = "2026-01-02T03:04:05.678Z".parse().unwrap();
    assert_eq!(seen["time"], json!(started.as_millisecond().to_string()), "the start of the step");
    assert_eq!(look(1, "a").await, seen, "the same attempt sees the same");
    assert_ne!(look(2, "a").await["random"], seen["random"]);
    assert_ne!(look(1, "b").await["random"], seen["random"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn sockets_are_refused_whatever_is_granted() {
    let bench = Bench::new().await;
    let plugin = bench.load("odd-raw-sockets").await;
    assert!(plugin.imports.iter().any(|import| import.starts_with("wasi:sockets/tcp")));
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let grants = Grants { network: vec![address.clone()], private_addresses: true, ..Grants::default() };
    let session = bench.session_with(grants, "raw-sockets");
    let failure = failed(session.call(bench.call("raw-sockets/connect", json!(address))).await);
    assert_eq!(failure.code, "not-connected", "{failure:?}");
    listener.set_nonblocking(true).unwrap();
    assert!(listener.accept().is_err(), "a connection came through");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_not_granted_is_denied_and_the_failure_says_so() {
    let bench = Bench::new().await;
    for guest in ["odd-observer", "odd-keeper", "odd-sampler"] {
        let plugin = bench.load(guest).await;
        // What the operator configures for a plugin is its own.
        for operation in plugin.operations.iter().filter(|operation| &*operation.name.operation != "config") {
            let failure = bench.fails(&operation.name.to_string(), json!("x")).await;
            let told = format!("{failure:?}");
            assert!(told.contains("grant") && told.contains("test-runtime"), "{}: {told}", operation.name);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn configuration_is_each_plugins_own() {
    let bench = Bench::new().await;
    bench.load("odd-observer").await;
    for (plugin, key, value) in [
        ("observer", "colour", json!("\"blue\"")),
        ("observer", "size", json!(null)),
        ("kitchen", "colour", json!(null)),
    ] {
        let session = bench.session_with(Default::default(), plugin);
        assert_eq!(
            done(session.call(bench.call("observer/config", json!(key))).await),
            value,
            "{plugin} {key}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn describing_reaches_nothing() {
    let bench = Bench::new().await;
    // It is allowed to try, and gets what everybody gets without a grant.
    let loaded = orgata_engine::ports::Plugins::load(
        &bench.sandbox,
        crate::support::guest("odd-describe-reaches-out"),
        crate::support::upload(),
    )
    .await;
    match loaded {
        Ok(plugin) => assert!(!plugin.description.contains("200"), "{}", plugin.description),
        Err(error) => assert_eq!(error.code, "DESCRIBE_FAILED", "{error:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_logs_reports_and_asks() {
    let bench = Bench::new().await;
    bench.load("kitchen").await;
    let (sender, mut reports) = crate::support::progress(4);
    let session = bench.session();
    let mut call = bench.call("kitchen/spread", json!({ "jelly": "grape", "on": "white-bread" }));
    call.progress = sender;
    let made = done(session.call(call).await);
    assert_eq!(reports.try_recv().unwrap().message, "peanut butter is on");
    assert!(made["sandwich"].is_object(), "{made}");
    let plugin = bench.sandbox.clone();
    let catalog = orgata_engine::ports::Operations::catalog(&plugin);
    let kitchen = &catalog.plugins[&"kitchen".parse().unwrap()];
    for operation in &kitchen.operations {
        for example in &operation.examples {
            let output = bench.done(&operation.name.to_string(), example.input.clone()).await;
            assert_eq!(output, example.output, "{} {}", operation.name, example.name);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_javascript_plugin_runs_like_any_other() {
    let bench = Bench::new().await;
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/guests/text.wasm");
    // Built only where Node is installed.
    let Ok(bytes) = std::fs::read(path) else { return };
    let plugin =
        orgata_engine::ports::Plugins::load(&bench.sandbox, bytes, crate::support::upload()).await.unwrap();
    assert_eq!(plugin.effect, EffectClass::Pure);
    for operation in &plugin.operations {
        for example in &operation.examples {
            let output = bench.done(&operation.name.to_string(), example.input.clone()).await;
            assert_eq!(output, example.output, "{} {}", operation.name, example.name);
        }
    }
    let _: Value = json!(null);
}

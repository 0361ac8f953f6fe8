//! Versions of a plugin: published by one swap, pinned, rolled back, retired, forgotten, and remembered
//! across restarts.

use std::collections::BTreeSet;
use std::sync::Arc;

use orgata_engine::ports::{Operations as _, PluginChange, PluginState, Plugins as _};
use orgata_model::Digest;
use orgata_sandbox::Settings;
use serde_json::json;

use crate::support::{Bench, done, failed, guest, upload};

fn states(bench: &Bench) -> Vec<(String, PluginState)> {
    let mut states: Vec<_> =
        bench.sandbox.list().into_iter().map(|entry| (entry.plugin.version.clone(), entry.state)).collect();
    states.sort_by(|a, b| a.0.cmp(&b.0));
    states
}

fn current(bench: &Bench) -> Option<String> {
    Some(bench.sandbox.catalog().plugins.get(&"counter".parse().unwrap())?.version.clone())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_version_is_for_new_calls_and_a_pinned_one_stays() {
    let bench = Bench::new().await;
    let first = bench.load("counter-1").await;
    let session = bench.session();
    let pinned = || bench.call("counter/version", json!({}));
    let old = pinned();
    bench.load("counter-2").await;
    assert_eq!(current(&bench).unwrap(), "2.0.0");
    assert!(done(session.call(old).await).to_string().contains("1.0.0"));
    assert!(done(session.call(pinned()).await).to_string().contains("2.0.0"));
    assert_eq!(bench.sandbox.plugin(first.digest).await.unwrap().version, "1.0.0");
    assert_eq!(
        states(&bench),
        [("1.0.0".to_owned(), PluginState::Earlier), ("2.0.0".to_owned(), PluginState::Current)]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollback_points_the_name_at_an_earlier_version() {
    let bench = Bench::new().await;
    let (first, _, third) =
        (bench.load("counter-1").await, bench.load("counter-2").await, bench.load("counter-3").await);
    let name = &first.name;
    let mut changes = bench.sandbox.changes();
    assert_eq!(bench.sandbox.rollback(name, None).await.unwrap().version, "2.0.0");
    assert!(
        matches!(changes.recv().await.unwrap(), PluginChange::Loaded(plugin) if plugin.version == "2.0.0")
    );
    assert_eq!(bench.sandbox.rollback(name, Some(first.digest)).await.unwrap().version, "1.0.0");
    assert!(bench.done("counter/version", json!({})).await.to_string().contains("1.0.0"));
    assert_eq!(bench.sandbox.rollback(name, Some(third.digest)).await.unwrap().version, "3.0.0");
    let unknown = bench.sandbox.rollback(name, Some(Digest::of(b"x"))).await.unwrap_err();
    assert_eq!(unknown.code, "UNKNOWN_PLUGIN");
    assert_eq!(
        bench.sandbox.rollback(&"nobody".parse().unwrap(), None).await.unwrap_err().code,
        "UNKNOWN_PLUGIN"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_version_has_none_before_it() {
    let bench = Bench::new().await;
    let plugin = bench.load("counter-1").await;
    assert_eq!(bench.sandbox.rollback(&plugin.name, None).await.unwrap_err().code, "NO_EARLIER_VERSION");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_retired_finishes_and_nothing_new_starts() {
    let bench = Bench::new().await;
    bench.load("counter-1").await;
    let second = bench.load("counter-2").await;
    let pinned = bench.call("counter/version", json!({}));
    bench.sandbox.retire(second.digest).await.unwrap();
    assert_eq!(current(&bench), None);
    assert!(done(bench.session().call(pinned).await).to_string().contains("2.0.0"));
    assert_eq!(states(&bench)[1].1, PluginState::Retired);
    assert_eq!(bench.sandbox.rollback(&second.name, None).await.unwrap().version, "1.0.0");
    assert_eq!(bench.sandbox.retire(Digest::of(b"x")).await.unwrap_err().code, "UNKNOWN_PLUGIN");
}

#[tokio::test(flavor = "multi_thread")]
async fn loading_the_same_again_changes_nothing() {
    let bench = Bench::new().await;
    let first = bench.load("counter-1").await;
    let mut changes = bench.sandbox.changes();
    assert_eq!(bench.load("counter-1").await.digest, first.digest);
    assert!(changes.try_recv().is_err());
    assert_eq!(bench.sandbox.list().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_is_remembered_across_a_restart() {
    let bench = Bench::new().await;
    let first = bench.load("counter-1").await;
    bench.load("counter-2").await;
    bench.load("kitchen").await;
    let before = states(&bench);
    let bench = bench.reopened().await;
    assert_eq!(states(&bench), before);
    assert_eq!(current(&bench).unwrap(), "2.0.0");
    assert!(bench.done("counter/version", json!({})).await.to_string().contains("2.0.0"));
    // Earlier ones come back when they are asked for.
    let mut pinned = bench.call("counter/version", json!({}));
    pinned.digest = first.digest;
    assert!(done(bench.session().call(pinned).await).to_string().contains("1.0.0"));
    assert_eq!(bench.sandbox.rollback(&first.name, None).await.unwrap().version, "1.0.0");
    let bench = bench.reopened().await;
    assert_eq!(current(&bench).unwrap(), "1.0.0");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_cache_is_made_anew() {
    let bench = Bench::new().await;
    bench.load("counter-1").await;
    let cache = bench.data.path().join("cache");
    for entry in std::fs::read_dir(&cache).unwrap() {
        std::fs::remove_file(entry.unwrap().path()).unwrap();
    }
    let bench = bench.reopened().await;
    assert!(bench.done("counter/version", json!({})).await.to_string().contains("1.0.0"));
    assert_eq!(std::fs::read_dir(&cache).unwrap().count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_whose_file_is_gone_is_told() {
    let bench = Bench::new().await;
    let plugin = bench.load("counter-1").await;
    let call = bench.call("counter/version", json!({}));
    for folder in ["cache", "plugins"] {
        for entry in std::fs::read_dir(bench.data.path().join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.file_name().is_some_and(|name| name != "index.json") {
                std::fs::remove_file(path).unwrap();
            }
        }
    }
    let bench = bench.reopened().await;
    assert_eq!(failed(bench.session().call(call).await).code, "PLUGIN_GONE");
    assert_eq!(bench.sandbox.plugin(plugin.digest).await.unwrap_err().code, "PLUGIN_GONE");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_is_needed_is_kept() {
    let bench = Bench::with(Settings { kept_versions: 1, ..Settings::default() }).await;
    let mut digests = Vec::new();
    for n in 1..=4 {
        digests.push(bench.load(&format!("counter-{n}")).await.digest);
    }
    bench.sandbox.keep(&BTreeSet::from([digests[0]])).await;
    let versions: Vec<_> = states(&bench).into_iter().map(|(version, _)| version).collect();
    assert_eq!(
        versions,
        ["1.0.0", "3.0.0", "4.0.0"],
        "the pinned one, one for rollback, and the current one"
    );
    assert!(bench.sandbox.plugin(digests[1]).await.is_err());
    let left = std::fs::read_dir(bench.data.path().join("plugins")).unwrap().count();
    assert_eq!(left, 3 * 2 + 1, "bytes and metadata of three versions, and the index");
}

/// Loads of one plugin and calls of it at the same time: every call sees one version, whole.
#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_swaps_under_load_lose_no_call() {
    let bench = Arc::new(Bench::new().await);
    bench.load("counter-1").await;
    let swaps = {
        let bench = Arc::clone(&bench);
        tokio::spawn(async move {
            for n in 0..100 {
                bench.load(&format!("counter-{}", 1 + n % 10)).await;
            }
        })
    };
    let mut calls = 0;
    while !swaps.is_finished() || calls < 100 {
        let call = bench.call("counter/version", json!({}));
        let expected = bench.sandbox.plugin(call.digest).await.unwrap().version.clone();
        let seen = done(bench.session().call(call).await).to_string();
        assert!(seen.contains(&expected), "{seen} is not {expected}");
        calls += 1;
    }
    swaps.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn inspecting_publishes_nothing_and_can_be_called() {
    let bench = Bench::new().await;
    let plugin = bench.sandbox.inspect(guest("counter-1"), upload()).await.unwrap();
    assert!(bench.sandbox.catalog().plugins.is_empty());
    assert!(bench.sandbox.list().is_empty());
    let operation =
        plugin.operations.iter().find(|operation| &*operation.name.operation == "version").unwrap();
    bench.load("bench").await;
    let mut call = bench.call("bench/noop", json!({}));
    call.digest = plugin.digest;
    call.operation = operation.name.clone();
    assert!(done(bench.session().call(call).await).to_string().contains("1.0.0"));
}

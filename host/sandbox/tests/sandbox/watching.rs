//! A folder of plugin files: what comes, changes and goes there comes, changes and goes in the catalog.

use std::io::Write as _;
use std::time::{Duration, Instant};

use orgata_engine::ports::{Operations as _, PluginChange, Plugins as _};

use crate::support::{Bench, Files, eventually, guest, upload};

fn version(bench: &Bench, plugin: &str) -> Option<String> {
    Some(bench.sandbox.catalog().plugins.get(&plugin.parse().unwrap())?.version.clone())
}

async fn until(bench: &Bench, plugin: &str, expected: Option<&str>) {
    let what = format!("{plugin} in version {expected:?}");
    eventually(&what, || (version(bench, plugin).as_deref() == expected).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_there_is_loaded_and_told() {
    let (bench, files) = (Bench::new().await, Files::new());
    files.put("kitchen.wasm", &guest("kitchen"));
    files.put("core.wasm", &guest("core-module"));
    files.put("notes.txt", b"no plugin");
    files.put(".hidden.wasm", b"no plugin either");
    let report = bench.sandbox.watch(files.path()).await.unwrap();
    let told: Vec<_> = report
        .files
        .iter()
        .map(|file| {
            (file.path.clone(), file.outcome.as_ref().map(|p| p.name.to_string()).map_err(|e| e.code))
        })
        .collect();
    assert_eq!(
        told,
        [
            (files.file("core.wasm"), Err("NOT_A_COMPONENT")),
            (files.file("kitchen.wasm"), Ok("kitchen".to_owned()))
        ]
    );
    assert!(version(&bench, "kitchen").is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_version_is_current_within_two_seconds() {
    let (bench, files) = (Bench::new().await, Files::new());
    bench.sandbox.watch(files.path()).await.unwrap();
    files.put("counter.wasm", &guest("counter-1"));
    until(&bench, "counter", Some("1.0.0")).await;
    let mut changes = bench.sandbox.changes();
    let began = Instant::now();
    files.put("counter.wasm", &guest("counter-2"));
    let change = changes.recv().await.unwrap();
    assert!(matches!(change, PluginChange::Loaded(plugin) if plugin.version == "2.0.0"));
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn half_a_file_is_not_read() {
    let (bench, files) = (Bench::new().await, Files::new());
    bench.sandbox.watch(files.path()).await.unwrap();
    let mut changes = bench.sandbox.changes();
    let whole = guest("kitchen");
    let mut file = std::fs::File::create(files.file("kitchen.wasm")).unwrap();
    for piece in whole.chunks(whole.len() / 8 + 1) {
        file.write_all(piece).unwrap();
        file.sync_all().unwrap();
        tokio::time::sleep(Duration::from_millis(40)).await;
    }
    drop(file);
    let change = tokio::time::timeout(Duration::from_secs(10), changes.recv()).await.unwrap().unwrap();
    assert!(
        matches!(change, PluginChange::Loaded(_)),
        "the first that is heard of it is that it works: {change:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_file_leaves_the_old_version_and_a_good_one_mends_it() {
    let (bench, files) = (Bench::new().await, Files::new());
    files.put("counter.wasm", &guest("counter-1"));
    bench.sandbox.watch(files.path()).await.unwrap();
    let mut changes = bench.sandbox.changes();
    files.put("counter.wasm", b"nonsense");
    let change = changes.recv().await.unwrap();
    let PluginChange::Refused { error, .. } = change else { panic!("{change:?}") };
    assert!(error.message.contains("counter.wasm"), "{error:?}");
    assert_eq!(version(&bench, "counter").as_deref(), Some("1.0.0"));
    files.put("counter.wasm", &guest("counter-2"));
    until(&bench, "counter", Some("2.0.0")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_goes_retires_its_plugin_and_may_come_back() {
    let (bench, files) = (Bench::new().await, Files::new());
    files.put("counter.wasm", &guest("counter-1"));
    bench.sandbox.watch(files.path()).await.unwrap();
    files.remove("counter.wasm");
    until(&bench, "counter", None).await;
    files.put("counter.wasm", &guest("counter-1"));
    until(&bench, "counter", Some("1.0.0")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renamed_file_keeps_its_plugin() {
    let (bench, files) = (Bench::new().await, Files::new());
    files.put("counter.wasm", &guest("counter-1"));
    bench.sandbox.watch(files.path()).await.unwrap();
    let mut changes = bench.sandbox.changes();
    std::fs::rename(files.file("counter.wasm"), files.file("renamed.wasm")).unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(version(&bench, "counter").as_deref(), Some("1.0.0"));
    assert!(changes.try_recv().is_err(), "nothing has changed");
    files.remove("renamed.wasm");
    until(&bench, "counter", None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_files_with_one_name_the_newcomer_is_refused_until_the_other_goes() {
    let (bench, files) = (Bench::new().await, Files::new());
    files.put("a.wasm", &guest("counter-1"));
    bench.sandbox.watch(files.path()).await.unwrap();
    let mut changes = bench.sandbox.changes();
    files.put("b.wasm", &guest("counter-2"));
    let PluginChange::Refused { error, .. } = changes.recv().await.unwrap() else { panic!("no clash") };
    assert_eq!(error.code, "NAME_CLASH");
    assert!(error.message.contains("a.wasm") && error.message.contains("b.wasm"), "{error:?}");
    assert_eq!(version(&bench, "counter").as_deref(), Some("1.0.0"));
    files.remove("a.wasm");
    until(&bench, "counter", Some("2.0.0")).await;
    // There was no moment without the plugin.
    while let Ok(change) = changes.try_recv() {
        assert!(matches!(change, PluginChange::Loaded(_)), "{change:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_files_that_come_together_and_claim_one_name_are_told_apart() {
    let (bench, files) = (Bench::new().await, Files::new());
    files.put("kitchen.wasm", &guest("kitchen"));
    files.put("other.wasm", &guest("odd-name-clash"));
    let report = bench.sandbox.watch(files.path()).await.unwrap();
    assert!(report.files[0].outcome.is_ok());
    assert_eq!(report.files[1].outcome.as_ref().unwrap_err().code, "NAME_CLASH");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_operator_did_stands_after_a_restart() {
    let (bench, files) = (Bench::new().await, Files::new());
    files.put("counter.wasm", &guest("counter-1"));
    bench.sandbox.watch(files.path()).await.unwrap();
    files.put("counter.wasm", &guest("counter-2"));
    until(&bench, "counter", Some("2.0.0")).await;
    bench.sandbox.rollback(&"counter".parse().unwrap(), None).await.unwrap();
    let bench = bench.reopened().await;
    let report = bench.sandbox.watch(files.path()).await.unwrap();
    assert!(report.files[0].outcome.is_ok());
    assert_eq!(version(&bench, "counter").as_deref(), Some("1.0.0"), "the rollback stands");
    bench.sandbox.load(guest("counter-3"), upload()).await.unwrap();
    let bench = bench.reopened().await;
    bench.sandbox.watch(files.path()).await.unwrap();
    assert_eq!(version(&bench, "counter").as_deref(), Some("3.0.0"), "the upload stands");
    files.put("counter.wasm", &guest("counter-4"));
    until(&bench, "counter", Some("4.0.0")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_went_or_changed_while_the_host_was_down_is_noticed() {
    let (bench, files) = (Bench::new().await, Files::new());
    files.put("counter.wasm", &guest("counter-1"));
    files.put("kitchen.wasm", &guest("kitchen"));
    bench.sandbox.watch(files.path()).await.unwrap();
    let bench = bench.reopened().await;
    files.remove("kitchen.wasm");
    files.put("counter.wasm", &guest("counter-2"));
    bench.sandbox.watch(files.path()).await.unwrap();
    assert_eq!(version(&bench, "kitchen"), None);
    assert_eq!(version(&bench, "counter").as_deref(), Some("2.0.0"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_is_not_there_is_told() {
    let (bench, files) = (Bench::new().await, Files::new());
    let error = bench.sandbox.watch(&files.file("nowhere")).await.unwrap_err();
    assert_eq!(error.code, "IO");
    assert!(error.message.contains("nowhere"), "{error:?}");
}

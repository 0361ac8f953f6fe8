//! A folder of plugin files: what comes, changes and goes there comes, changes and goes in the catalog.

use std::io::Write as _;
use std::os::unix::fs::FileExt as _;
use std::time::{Duration, Instant};

use futures_util::FutureExt as _;
use orgata_engine::ports::{Operations as _, PluginChange, Plugins as _};

use crate::support::{Bench, Files, eventually, guest, upload};

fn version(bench: &Bench, plugin: &str) -> Option<String> {
    Some(bench.sandbox.catalog().plugins.get(&plugin.parse().unwrap())?.version.clone())
}

/// The plugin that is told to be loaded; nothing else may be told.
fn loaded(change: &PluginChange) -> String {
    match change {
        PluginChange::Loaded(plugin) => plugin.name.to_string(),
        other => panic!("{other:?}"),
    }
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
    let began = Instant::now();
    bench.sandbox.inspect(guest("counter-3"), upload()).await.unwrap();
    // Where the machine has no time for the compiler, it has none for the watcher.
    let soon = Duration::from_secs(2).max(began.elapsed() * 10);
    let mut changes = bench.sandbox.changes();
    let began = Instant::now();
    files.put("counter.wasm", &guest("counter-2"));
    let change = changes.recv().await.unwrap();
    assert!(matches!(change, PluginChange::Loaded(plugin) if plugin.version == "2.0.0"));
    assert!(began.elapsed() < soon, "{:?}, and not {soon:?}", began.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn half_a_file_is_not_read() {
    let (bench, files) = (Bench::new().await, Files::new());
    bench.sandbox.watch(files.path()).await.unwrap();
    let mut changes = bench.sandbox.changes();
    let mut heard = async || loaded(&changes.recv().await.unwrap());
    let whole = guest("kitchen");
    let (half, rest) = whole.split_at(whole.len() / 2);
    let mut file = std::fs::File::create(files.file("kitchen.wasm")).unwrap();
    file.write_all(half).unwrap();
    // Until another file has been noticed and loaded: the folder is looked at, and this one is being written.
    files.put("counter.wasm", &guest("counter-1"));
    let other = {
        let mut heard = std::pin::pin!(heard());
        loop {
            match heard.as_mut().now_or_never() {
                Some(name) => break name,
                None => file.write_all_at(half, 0).unwrap(),
            }
            tokio::task::yield_now().await;
        }
    };
    assert_eq!(other, "counter");
    file.write_all(rest).unwrap();
    drop(file);
    assert_eq!(heard().await, "kitchen", "the first that is heard of it is that it works");
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
    // Files that come later are loaded at later looks: what the rename does, it has done by then.
    for later in ["bench", "kitchen"] {
        files.put(&format!("later-{later}.wasm"), &guest(later));
        assert_eq!(loaded(&changes.recv().await.unwrap()), later, "of the other file nothing is heard");
    }
    assert_eq!(version(&bench, "counter").as_deref(), Some("1.0.0"));
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

//! `orgata plugin`: files looked at, tried, loaded and rolled back.

use orgata_tests::cli::orgata;
use orgata_tests::guests::guest;
use orgata_tests::{HostSetup, TestHost};
use serde_json::json;

fn path(name: &str) -> String {
    guest(name).to_str().expect("paths are plain").to_owned()
}

async fn desk() -> TestHost {
    HostSetup::new().runtime("desk", json!({})).start().await
}

#[tokio::test]
async fn a_file_is_inspected_and_tried_without_a_host() {
    let folder = tempfile::tempdir().unwrap();
    let bench = path("bench");
    let shown = orgata(folder.path(), &["plugin", "inspect", &bench], "").await.succeeded();
    for part in ["bench 1.0.0", "sha256:", "pure", "bench/noop"] {
        assert!(shown.contains(part), "{part} is missing:\n{shown}");
    }
    let shown = orgata(folder.path(), &["plugin", "inspect", &bench, "--json"], "").await.json();
    assert_eq!(shown["effect"], "pure", "{shown}");
    let call = ["plugin", "test", &bench, "--operation", "noop", "--input", "{\"n\": 7}"];
    let tried = orgata(folder.path(), &call, "").await.succeeded();
    assert!(tried.contains("\"n\": 7") || tried.contains("\"n\":7"), "{tried}");
    let core = orgata(folder.path(), &["plugin", "inspect", &path("core-module")], "").await.failed(1);
    assert!(core.contains("not a component") && core.contains("hint:"), "{core}");
    let gone = orgata(folder.path(), &["plugin", "test", "gone.wasm"], "").await.failed(1);
    assert!(gone.contains("there is no file gone.wasm"), "{gone}");
    let wrong = orgata(folder.path(), &["plugin", "test", &path("odd-broken-example")], "").await.failed(1);
    assert!(wrong.contains("example \"wrong\""), "{wrong}");
}

#[tokio::test]
async fn the_examples_of_a_file_are_its_tests() {
    let folder = tempfile::tempdir().unwrap();
    let told = orgata(folder.path(), &["plugin", "test", &path("kitchen")], "").await.succeeded();
    for part in ["✓ a classic one", "✓ grape on white bread", "4 passed"] {
        assert!(told.contains(part), "{part} is missing:\n{told}");
    }
}

#[tokio::test]
async fn versions_are_loaded_listed_and_rolled_back() {
    let host = desk().await;
    let none = host.cli(&["plugin", "list"]).await.succeeded();
    assert!(none.contains("orgata plugin load FILE"), "{none}");
    for guest in ["counter-1", "counter-2"] {
        let loaded = host.cli(&["plugin", "load", &path(guest)]).await.succeeded();
        assert!(loaded.contains("is current"), "{loaded}");
    }
    let list = host.cli(&["plugin", "list"]).await.succeeded();
    assert_eq!(list.lines().filter(|line| line.starts_with("counter")).count(), 2, "{list}");
    let current = host.current("counter").await.expect("one is current").version;
    let back = host.cli(&["plugin", "rollback", "counter"]).await.succeeded();
    assert!(back.contains("is current"), "{back}");
    assert_ne!(host.current("counter").await.expect("one is current").version, current);
    let newest = host.versions("counter").await.into_iter().find(|own| own.version == current).unwrap();
    let start = &newest.digest["sha256:".len()..][..12];
    host.cli(&["plugin", "rollback", "counter", "--to", start]).await.succeeded();
    assert_eq!(host.current("counter").await.expect("one is current").version, current);
    let list = host.cli(&["plugin", "list", "--json"]).await.json();
    assert_eq!(list["items"].as_array().unwrap().len(), 2);

    let refused = host.cli(&["plugin", "load", &path("no-exports")]).await.failed(5);
    assert!(refused.contains("PLUGIN_REFUSED"), "{refused}");
    let unknown = host.cli(&["plugin", "rollback", "nothing"]).await.failed(5);
    assert!(unknown.contains("PLUGIN_NOT_FOUND"), "{unknown}");
    assert_eq!(host.versions("counter").await.len(), 2, "what was refused changed nothing");
}

#[tokio::test]
async fn a_new_plugin_begins_as_a_folder_and_never_over_another() {
    let folder = tempfile::tempdir().unwrap();
    for (language, file) in [("rust", "src/lib.rs"), ("js", "package.json")] {
        let name = format!("greeter-{language}");
        let told = orgata(folder.path(), &["plugin", "new", &name, "--lang", language], "").await.succeeded();
        assert!(told.contains("orgata plugin build"), "what comes next is told:\n{told}");
        assert!(folder.path().join(&name).join(file).is_file(), "{file}");
        let twice = orgata(folder.path(), &["plugin", "new", &name, "--lang", language], "").await.failed(1);
        assert!(twice.contains("there already"), "{twice}");
    }
    for name in ["a b", "../greeter", "Greeter", ""] {
        let said = orgata(folder.path(), &["plugin", "new", name], "").await;
        assert!(matches!(said.code, Some(1 | 2)), "{name:?}: {said:?}");
    }
    let nothing = orgata(folder.path(), &["plugin", "build", "gone"], "").await.failed(1);
    assert!(nothing.contains("gone"), "{nothing}");
}

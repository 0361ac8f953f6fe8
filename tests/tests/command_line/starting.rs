//! `orgata serve` and its configuration: what a host refuses to start with, and what it leaves on the disk.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use orgata_tests::cli::orgata;
use orgata_tests::matchers::asked;
use serde_json::json;

use crate::{folder, host, setup};

const SERVE: [&str; 5] = ["serve", "--listen", "127.0.0.1:0", "--data", "data"];

#[tokio::test]
async fn a_second_host_on_the_same_data_is_refused_and_the_first_one_goes_on() {
    let host = host().await;
    let id = host.begin("ask", json!({ "n": 1 })).await;
    host.until(&id, asked("choose")).await;
    let said = orgata(host.folder(), &SERVE, "").await.failed(1);
    assert!(said.contains("is in use by another host"), "{said}");
    // The way to the first one is still known.
    let list = orgata(host.folder(), &["--data", "data", "--json", "exec", "list"], "").await.json();
    assert_eq!(list["items"][0]["executionId"], id.0.as_str());
    // A host that was killed leaves no lock behind.
    let host = host.kill_and_restart().await;
    host.until(&id, asked("choose")).await;
}

#[tokio::test]
async fn an_address_that_is_taken_or_that_strangers_reach_is_refused() {
    let host = host().await;
    let taken = host.address().trim_start_matches("http://").to_owned();
    let arguments = ["serve", "--listen", &taken, "--data", "other"];
    let said = orgata(host.folder(), &arguments, "").await.failed(1);
    assert!(said.contains(&taken) && said.contains("is another host running?"), "{said}");
    for open in ["0.0.0.0:0", "[::]:0"] {
        let said = orgata(host.folder(), &["serve", "--listen", open, "--data", "other"], "").await.failed(1);
        assert!(said.contains("no authentication") && said.contains("127.0.0.1"), "{said}");
    }
    orgata(host.folder(), &["serve", "--listen", "here"], "").await.failed(2);
}

/// Everything below a folder, with its mode.
fn modes(folder: &Path) -> Vec<(String, u32)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("the folder can be read") {
        let path = entry.expect("an entry can be read").path();
        let mode = fs::metadata(&path).expect("it is there").permissions().mode() & 0o777;
        found.push((path.display().to_string(), mode));
        if path.is_dir() {
            found.extend(modes(&path));
        }
    }
    found
}

#[tokio::test]
async fn what_the_host_keeps_is_for_nobody_else() {
    let host = host().await;
    let id = host.begin("ask", json!({ "n": 1 })).await;
    host.until(&id, asked("choose")).await;
    let data = host.folder().join("data");
    assert_eq!(fs::metadata(&data).unwrap().permissions().mode() & 0o777, 0o700, "the data folder");
    let modes = modes(&data);
    assert!(modes.len() > 5, "{modes:#?}");
    for (path, mode) in modes {
        let wanted = if Path::new(&path).is_dir() { 0o700 } else { 0o600 };
        assert_eq!(mode, wanted, "{path} has mode {mode:o}");
    }
}

#[tokio::test]
async fn a_data_folder_that_cannot_be_used_is_told_of() {
    let place = folder().await;
    fs::write(place.folder().join("a-file"), "").unwrap();
    let arguments = ["serve", "--listen", "127.0.0.1:0", "--data", "a-file/data"];
    let said = orgata(place.folder(), &arguments, "").await.failed(1);
    assert!(said.contains("a-file/data"), "{said}");
    // What is no database is left as it is.
    let broken = place.folder().join("broken");
    fs::create_dir(&broken).unwrap();
    fs::write(broken.join("orgata.db"), "this is no database at all, and long enough to look like one")
        .unwrap();
    let arguments = ["serve", "--listen", "127.0.0.1:0", "--data", "broken"];
    let said = orgata(place.folder(), &arguments, "").await.failed(1);
    assert!(said.contains("orgata.db") && said.contains("not a database"), "{said}");
    assert!(fs::read_to_string(broken.join("orgata.db")).unwrap().starts_with("this is no database"));
}

#[tokio::test]
async fn the_configuration_shows_every_default_and_can_be_read_back() {
    let folder = tempfile::tempdir().unwrap();
    let shown = orgata(folder.path(), &["config"], "").await.succeeded();
    for part in [
        "listen: 127.0.0.1:7420",
        "activeExecutions: 10000",
        "flushAfter: 20ms",
        "bodyBytes:",
        "componentSize:",
    ] {
        assert!(shown.contains(part), "{part} is missing:\n{shown}");
    }
    fs::write(folder.path().join("orgata.yaml"), &shown).unwrap();
    assert_eq!(orgata(folder.path(), &["config"], "").await.succeeded(), shown);
    assert!(!shown.contains('_'), "every key is in camelCase:\n{shown}");
    assert_eq!(
        orgata(folder.path(), &["config", "--json"], "").await.json()["engine"]["activeExecutions"],
        10000
    );
}

#[tokio::test]
async fn a_configuration_that_is_wrong_is_told_with_what_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    for (text, says) in [
        ("lisn: 127.0.0.1:1\n", "unknown field `lisn`"),
        ("engine: { activeExecutions: 0 }\n", "engine.activeExecutions"),
        ("engine: { activeExecution: 1 }\n", "activeExecutions"),
        ("engine: { flushAfter: 1h }\n", "engine.flushAfter"),
        ("listen: here\n", "line 1"),
        ("listen: [\n", "orgata.yaml"),
        ("sandbox: { memory: 1 }\n", "sandbox.memory"),
        ("sandbox: { componentSize: 1 }\n", "sandbox.componentSize"),
        ("sandbox: { component_size: 1 }\n", "sandbox.componentSize"),
        ("runtimes: []\n", "no runtimes"),
        ("runtimes: [{ id: a }, { id: a }]\n", "two runtimes"),
        ("runtimes: [{ id: a, environment: home }]\n", "home"),
        ("runtimes: [{ id: a, grants: { p: { net: [] } } }]\n", "net"),
    ] {
        fs::write(folder.path().join("orgata.yaml"), text).unwrap();
        for command in ["config", "serve"] {
            let ended = orgata(folder.path(), &[command, "--data", "data"], "").await;
            let said = ended.failed(1);
            assert!(said.contains(says), "{text}{says} is missing:\n{said}");
        }
        assert!(!folder.path().join("data").exists(), "{text}: nothing was made");
    }
    let said = orgata(folder.path(), &["config", "--config", "gone.yaml"], "").await.failed(1);
    assert!(said.contains("gone.yaml cannot be read"), "{said}");
}

#[tokio::test]
async fn what_is_wrong_among_playbooks_and_plugins_is_told_and_left_out() {
    let setup = setup().playbook("wrong", "name: wrong\nsteps: []\n");
    let setup = setup.config(json!({ "plugins": ["plugins", "no-such-folder"] }));
    let host = setup.start().await;
    let log = host.log().join("\n");
    assert!(log.contains("wrong.yaml") && log.contains("1 to 1000 steps"), "{log}");
    assert!(log.contains("no-such-folder"), "{log}");
    let playbooks = host.get("/api/v1/runtimes/desk/playbooks").await.is(200);
    assert_eq!(playbooks["items"].as_array().unwrap().len(), 1, "what is right is there");
    host.begin("ask", json!({ "n": 1 })).await;
}

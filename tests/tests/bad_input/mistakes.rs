//! Playbooks with mistakes: what a person sees of each, at the command line and over REST.
//!
//! The playbooks are in `tests/playbooks/mistakes`; what is seen of them, in `snapshots`. A mistake more is
//! a file more there.

use std::fs;
use std::path::{Path, PathBuf};

use orgata_tests::HostSetup;
use orgata_tests::cli::orgata;
use orgata_tests::http::Reply;
use serde_json::{Value, json};

/// The playbooks, by name.
fn mistakes() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("playbooks/mistakes");
    let mut files: Vec<PathBuf> =
        fs::read_dir(folder).expect("the folder is there").map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

fn file_name(path: &Path) -> &str {
    path.file_name().and_then(|name| name.to_str()).expect("names are plain")
}

#[tokio::test]
async fn each_mistake_is_shown_with_its_file_line_and_column_and_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let mut unclear = Vec::new();
    for path in mistakes() {
        let file = file_name(&path);
        fs::copy(&path, folder.path().join(file)).unwrap();
        let ended = orgata(folder.path(), &["check", file], "").await;
        let shown = format!("{}exit code {}\n", ended.stderr, ended.code.unwrap_or_default());
        assert_eq!(ended.stdout, "", "mistakes go to standard error");
        assert!(!shown.contains('\u{1b}'), "no colours where nobody sees them: {shown}");
        if !shown.contains(&format!("--> {file}:")) {
            unclear.push(file.to_owned());
        }
        insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
            insta::assert_snapshot!(file.trim_end_matches(".yaml"), shown);
        });
    }
    assert!(unclear.is_empty(), "no place is told of: {unclear:?}");
}

#[tokio::test]
async fn rest_tells_the_same_mistakes_at_the_same_places() {
    let host = HostSetup::new().runtime("desk", json!({})).start().await;
    let mut seen = 0;
    for path in mistakes() {
        let file = file_name(&path);
        fs::copy(&path, host.folder().join(file)).unwrap();
        let checked = orgata(host.folder(), &["check", "--json", file], "").await;
        let checked: Value =
            serde_json::from_str(&checked.stdout).expect("--json prints JSON, mistakes or not");

        let url = host.url("/api/v1/runtimes/desk/playbooks/greet");
        let request = host.client().put(url).header("content-type", "application/yaml");
        let reply = Reply::read(file, request.body(fs::read(&path).unwrap())).await;
        let error = reply.refused(422, "PLAYBOOK_INVALID");
        let problems = error["details"]["problems"].as_array().unwrap();
        assert_eq!(json!(problems), checked[0]["problems"], "{file}");
        for problem in problems {
            let placed = problem["line"].as_u64() > Some(0) && problem["column"].as_u64() > Some(0);
            assert!(placed, "{file}: {problem}");
        }
        let report = error["details"]["report"].as_str().unwrap();
        assert!(report.contains("--> greet.yaml:"), "{report}");
        seen += 1;
    }
    assert!(seen >= 12, "only {seen} mistakes were tried");
    host.get("/api/v1/runtimes/desk/playbooks/greet").await.refused(404, "PLAYBOOK_NOT_FOUND");
}

#[tokio::test]
async fn what_is_right_among_what_is_wrong_is_told_too() {
    let folder = tempfile::tempdir().unwrap();
    let good = "name: good\nsteps:\n  - { name: greet, operation: greeter/greet }\n";
    fs::write(folder.path().join("good.yaml"), good).unwrap();
    let fine = orgata(folder.path(), &["check", "good.yaml"], "").await.succeeded();
    assert_eq!(fine, "good.yaml: good 0 is fine, 1 step\n");

    fs::write(folder.path().join("bad.yaml"), "name: bad\n").unwrap();
    let both = orgata(folder.path(), &["check", "."], "").await;
    assert_eq!(both.stdout, "./good.yaml: good 0 is fine, 1 step\n");
    let said = both.failed(1);
    assert!(said.contains("--> ./bad.yaml:1:1") && said.contains("1 of 2 playbooks"), "{said}");

    let nothing = orgata(folder.path(), &["check", "gone.yaml"], "").await.failed(1);
    assert!(nothing.contains("gone.yaml: there is no playbook"), "{nothing}");
}

//! Taking executions from one host to another.

use std::fs;

use orgata_tests::ExecutionId;
use orgata_tests::cli::orgata;
use orgata_tests::matchers::{asked, completed};
use serde_json::{Value, json};

use crate::{ended, ids, setup, waiting};

#[tokio::test]
async fn an_execution_that_has_ended_is_kept_in_a_file_and_brought_back() {
    let host = setup().start().await;
    let id = ended(&host, "desk", "red").await;
    let (status, journal) = (host.status(&id).await, host.journal(&id).await);
    assert_eq!(host.cli(&["exec", "export", &id.0, "-o", "kept.jsonl"]).await.succeeded(), "");
    let kept = fs::read_to_string(host.folder().join("kept.jsonl")).unwrap();
    assert_eq!(host.cli(&["exec", "export", &id.0]).await.succeeded().lines().count(), kept.lines().count());
    let said = host.cli(&["exec", "import", "kept.jsonl"]).await.failed(5);
    assert!(said.contains("ALREADY_EXISTS"), "{said}");

    host.cli(&["exec", "purge", &id.0]).await.succeeded();
    let told = host.cli(&["exec", "import", "kept.jsonl"]).await.succeeded();
    assert_eq!(told.trim(), format!("{id} is imported, and succeeded"));
    let host = host.kill_and_restart().await;
    assert_eq!((host.status(&id).await, host.journal(&id).await), (status, journal));
    assert_eq!(ids(&host, "label=team:red").await, [id.0], "its labels come with it");
}

#[tokio::test]
async fn an_execution_that_waits_moves_to_another_host_and_goes_on_there() {
    let (here, there) = (setup().start().await, setup().start().await);
    let id = waiting(&here).await;
    let lines = here.cli(&["exec", "export", &id.0]).await.succeeded();
    here.control(&id, "cancel", "it moved").await.is(200);

    let import = ["--server", there.address(), "exec", "import", "-"];
    let told = orgata(there.folder(), &import, &lines).await.succeeded();
    assert!(told.contains("is imported, and paused") && told.contains("exec resume"), "{told}");
    let there = there.kill_and_restart().await;
    let question = there.until(&id, asked("choose")).await;
    there.answer(&id, &question, json!("yea")).await.accepted();
    assert_eq!(there.status(&id).await["status"], "paused");
    there.cli(&["exec", "resume", &id.0]).await.succeeded();
    assert_eq!(there.until(&id, completed()).await, "yea");
}

#[tokio::test]
async fn a_file_that_somebody_changed_is_refused_and_leaves_no_trace() {
    let (here, there) = (setup().start().await, setup().start().await);
    let id = ended(&here, "desk", "red").await;
    let lines = here.cli(&["exec", "export", &id.0]).await.succeeded();
    let changed = lines.replacen("\"type\":\"step_completed\"", "\"type\":\"step_skipped\"", 1);
    assert_ne!(changed, lines);
    let file = there.folder().join("changed.jsonl");
    fs::write(&file, changed).unwrap();
    let said = there.cli(&["exec", "import", "changed.jsonl"]).await.failed(5);
    assert!(said.contains("HISTORY_INVALID") && said.contains("event 3"), "{said}");
    fs::write(&file, "not an export").unwrap();
    let said = there.cli(&["exec", "import", "changed.jsonl"]).await.failed(2);
    assert!(said.contains("is it one?"), "{said}");
    let elsewhere = ["exec", "import", "changed.jsonl", "--runtime", "nowhere"];
    fs::write(&file, &lines).unwrap();
    let said = there.cli(&elsewhere).await.failed(5);
    assert!(said.contains("RUNTIME_NOT_FOUND"), "{said}");
    assert_eq!(ids(&there, "").await, Vec::<String>::new());
    let gone = ExecutionId("exec_00000000000070008000000000000000".to_owned());
    assert!(
        here.cli(&["exec", "export", &gone.0, "-o", "x"]).await.failed(5).contains("EXECUTION_NOT_FOUND")
    );
    assert!(!here.folder().join("x").exists() && !here.folder().join("x.part").exists());
    assert!(serde_json::from_str::<Value>(lines.lines().next().unwrap()).is_ok());
}

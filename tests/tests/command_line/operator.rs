//! Looking at a running host and steering it: `exec`, `answer`.

use orgata_tests::cli::orgata;
use orgata_tests::matchers::{asked, completed};
use orgata_tests::{ExecutionId, TestHost};
use serde_json::{Value, json};

use crate::{folder, host};

async fn asking(host: &TestHost) -> ExecutionId {
    let id = host.begin("ask", json!({ "n": 7 })).await;
    host.until(&id, asked("choose")).await;
    id
}

#[tokio::test]
async fn executions_are_listed_shown_and_watched() {
    let host = host().await;
    let none = host.cli(&["exec", "list"]).await.succeeded();
    assert!(none.contains("no executions") && none.contains("orgata run"), "{none}");
    let id = asking(&host).await;

    let list = host.cli(&["exec", "list"]).await.succeeded();
    let row = list.lines().nth(1).expect("there is a row");
    for part in [id.0.as_str(), "ask", "desk", "waiting", "choose"] {
        assert!(row.contains(part), "{part} is missing:\n{list}");
    }
    assert_eq!(host.cli(&["exec", "list", "--json"]).await.json()["items"][0]["executionId"], id.0.as_str());
    let filtered =
        ["exec", "list", "--json", "--status", "succeeded", "--runtime", "desk", "--playbook", "ask"];
    assert_eq!(host.cli(&filtered).await.json()["items"], json!([]));
    let wrong = host.cli(&["exec", "list", "--status", "dancing"]).await.failed(5);
    assert!(wrong.contains("there are: pending, running"), "{wrong}");

    let shown = host.cli(&["exec", "show", &id.0]).await.succeeded();
    for part in ["think", "succeeded", "waiting_for_answer", "Now?", &format!("orgata answer {id}")] {
        assert!(shown.contains(part), "{part} is missing:\n{shown}");
    }
    let shown = host.cli(&["exec", "show", &id.0, "--json"]).await.json();
    assert_eq!(shown["execution"]["status"], "waiting");
    assert_eq!(shown["state"]["steps"][1]["status"], "waiting_for_answer");

    let arguments = ["exec", "watch", &id.0];
    let watch = host.cli(&arguments);
    let question = host.until(&id, asked("choose")).await;
    let (watched, _) = tokio::join!(watch, host.answer(&id, &question, json!("yea")));
    assert!(watched.stderr.contains("? choose: Now?"), "{watched:?}");
    assert_eq!(watched.json(), json!({ "n": 7, "it": "yea" }));
    let watched = host.cli(&["exec", "watch", &id.0, "--json"]).await.succeeded();
    let kinds: Vec<Value> = watched
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("a line is JSON")["event"]["type"].clone())
        .collect();
    assert_eq!(kinds[0], "execution_started");
    assert_eq!(kinds[kinds.len() - 2], "execution_completed", "the last line is the execution itself");
}

#[tokio::test]
async fn executions_are_paused_resumed_answered_and_cancelled() {
    let host = host().await;
    let id = asking(&host).await;
    let paused = host.cli(&["exec", "pause", &id.0, "--reason", "lunch"]).await.succeeded();
    assert_eq!(paused.trim(), format!("{id} is paused"));
    let twice = host.cli(&["exec", "pause", &id.0]).await.failed(5);
    assert!(twice.contains("paused already") && twice.contains("STATE_CONFLICT"), "{twice}");
    assert_eq!(host.cli(&["exec", "resume", &id.0, "--json"]).await.json()["status"], "waiting");
    assert_eq!(host.history(&id).await[4].body["reason"], "lunch");

    let nobody = host.cli(&["answer", &id.0]).await.failed(4);
    assert!(nobody.contains("--response JSON"), "{nobody}");
    let wrong = host.cli(&["answer", &id.0, "--response", "\"perhaps\""]).await.failed(5);
    assert!(wrong.contains("RESPONSE_INVALID") && wrong.contains("perhaps"), "{wrong}");
    let quoted = host.cli(&["answer", &id.0, "--response", "yea"]).await.failed(2);
    assert!(quoted.contains("quote it for the shell"), "{quoted}");
    let question = host.until(&id, asked("choose")).await;
    let answered =
        host.cli(&["answer", &id.0, &question.id, "-r", "\"nay\"", "--notes", "hm", "--json"]).await.json();
    assert_eq!(answered["interventionId"], question.id.as_str());
    host.until(&id, completed()).await;
    let again = host.cli(&["answer", &id.0, &question.id, "-r", "\"yea\""]).await.failed(5);
    assert!(again.contains("INTERVENTION_ANSWERED"), "{again}");
    let none = host.cli(&["answer", &id.0, "-r", "\"yea\""]).await.failed(1);
    assert!(none.contains("no open question"), "{none}");

    let id = asking(&host).await;
    let cancelled = host.cli(&["exec", "cancel", &id.0, "--reason", "closed"]).await.succeeded();
    assert_eq!(cancelled.trim(), format!("{id} is cancelled"));
    let ended = host.cli(&["exec", "resume", &id.0]).await.failed(5);
    assert!(ended.contains("EXECUTION_ENDED"), "{ended}");
}

#[tokio::test]
async fn what_is_not_there_is_told_with_what_to_do() {
    let place = folder().await;
    let nobody = "exec_00000000000070008000000000000000";
    for command in [&["exec", "list"][..], &["answer", nobody], &["plugin", "list"]] {
        let all: Vec<&str> = ["--data", "data"].iter().chain(command).copied().collect();
        let said = orgata(place.folder(), &all, "").await.failed(5);
        assert!(said.contains("orgata serve") && said.contains("--server"), "{said}");
    }
    let gone = ["--server", "http://127.0.0.1:1", "exec", "list"];
    let said = orgata(place.folder(), &gone, "").await.failed(5);
    assert!(said.contains("does not answer: is it running?"), "{said}");

    let host = place.start().await;
    for verb in ["show", "watch", "pause", "cancel"] {
        let said = host.cli(&["exec", verb, nobody]).await.failed(5);
        assert!(said.contains("EXECUTION_NOT_FOUND"), "{verb}: {said}");
    }
    // A stale address, of a host that was killed, leads nobody astray.
    let stopped = host.kill();
    assert!(stopped.data().join("address").exists());
    let said = orgata(stopped.folder(), &["--data", "data", "exec", "list"], "").await.failed(5);
    assert!(said.contains("no host runs on data"), "{said}");
}

#[tokio::test]
async fn wrong_usage_is_exit_code_2_and_help_is_0() {
    let folder = tempfile::tempdir().unwrap();
    let usages: [&[&str]; 7] = [
        &["dance"],
        &[],
        &["run"],
        &["check"],
        &["exec", "shw"],
        &["exec", "show", "exec_1"],
        &["exec", "list", "--limit", "x"],
    ];
    for wrong in usages {
        let said = orgata(folder.path(), wrong, "").await.failed(2);
        assert!(said.contains("--help") || said.contains("Usage"), "{wrong:?}: {said}");
    }
    let help = orgata(folder.path(), &["--help"], "").await.succeeded();
    assert!(help.contains("Exit codes: 0 well; 1"), "{help}");
    assert!(orgata(folder.path(), &["--version"], "").await.succeeded().starts_with("orgata "));
    for shell in ["bash", "zsh", "fish"] {
        let script = orgata(folder.path(), &["completions", shell], "").await.succeeded();
        assert!(script.contains("orgata") && script.contains("rollback"), "{shell}");
    }
    assert!(std::fs::read_dir(folder.path()).unwrap().next().is_none(), "nothing of it leaves a trace");
}

//! Looking at playbooks and at executions: `playbook graph`, `check --runtime`, `exec show --timeline`.

use std::fs;

use orgata_tests::cli::orgata;
use orgata_tests::matchers::{asked, completed};
use serde_json::json;

use crate::{ASK, host};

#[tokio::test]
async fn a_playbook_is_drawn() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("ask.yaml"), ASK).unwrap();
    let draw = async |more: &[&str]| {
        let command: Vec<&str> = ["playbook", "graph", "ask.yaml"].iter().chain(more).copied().collect();
        orgata(folder.path(), &command, "").await
    };
    let mermaid = draw(&[]).await.succeeded();
    assert!(mermaid.starts_with("flowchart TD") && mermaid.contains("s0 --> s1"), "{mermaid}");
    let dot = draw(&["--format", "dot"]).await.succeeded();
    assert!(dot.starts_with("digraph") && dot.contains("bench/noop"), "{dot}");
    assert_eq!(draw(&["--format", "dot", "-o", "ask.dot"]).await.succeeded(), "");
    assert_eq!(fs::read_to_string(folder.path().join("ask.dot")).unwrap(), dot);
    // With Graphviz a picture, without it what to do.
    let svg = draw(&["--format", "svg"]).await;
    match svg.code {
        Some(0) => assert!(svg.stdout.contains("<svg"), "{}", svg.stdout),
        _ => assert!(svg.failed(1).contains("install it"), "Graphviz is named"),
    }

    fs::write(folder.path().join("wrong.yaml"), "name: wrong\nsteps: []\n").unwrap();
    let wrong = orgata(folder.path(), &["playbook", "graph", "wrong.yaml"], "").await.failed(1);
    assert!(wrong.contains("wrong.yaml is not valid"), "{wrong}");
    let none = orgata(folder.path(), &["playbook", "graph", "none.yaml"], "").await.failed(2);
    assert!(none.contains("none.yaml cannot be read"), "{none}");
}

#[tokio::test]
async fn a_playbook_is_compared_with_what_a_runtime_offers() {
    let host = host().await;
    fs::write(host.folder().join("ask.yaml"), ASK).unwrap();
    fs::write(host.folder().join("wrong.yaml"), ASK.replace("bench/noop", "bench/dance")).unwrap();
    let fine = host.cli(&["check", "ask.yaml", "--runtime", "desk"]).await.succeeded();
    assert!(fine.contains("is fine, 2 steps, and fits to desk"), "{fine}");
    // By itself it is fine: only the runtime knows what there is.
    host.cli(&["check", "wrong.yaml"]).await.succeeded();
    let wrong = host.cli(&["check", "ask.yaml", "wrong.yaml", "--runtime", "desk"]).await.failed(1);
    for part in ["wrong.yaml:4:", "bench/dance", "noop", "1 of 2 playbooks have problems"] {
        assert!(wrong.contains(part), "{part} is missing:\n{wrong}");
    }
    let told = host.cli(&["check", "wrong.yaml", "--runtime", "desk", "--json"]).await;
    let told: serde_json::Value = serde_json::from_str(&told.stdout).unwrap();
    assert_eq!((&told[0]["file"], &told[0]["problems"][0]["line"]), (&json!("wrong.yaml"), &json!(4)));
    let nowhere = host.cli(&["check", "ask.yaml", "--runtime", "nowhere"]).await.failed(5);
    assert!(nowhere.contains("RUNTIME_NOT_FOUND") && nowhere.contains("desk"), "{nowhere}");
}

#[tokio::test]
async fn the_time_of_an_execution_is_drawn() {
    let host = host().await;
    let id = host.begin("ask", json!({ "n": 7 })).await;
    let question = host.until(&id, asked("choose")).await;
    let open = host.cli(&["exec", "show", &id.0, "--timeline"]).await.succeeded();
    let line = |shown: &str, step: &str| {
        shown
            .lines()
            .find(|line| line.starts_with(step))
            .map(str::to_owned)
            .unwrap_or_else(|| panic!("{shown}"))
    };
    assert!(line(&open, "think").contains('█') && line(&open, "think").contains("ms"), "{open}");
    assert!(line(&open, "choose").ends_with("waiting for person"), "{open}");
    host.answer(&id, &question, json!("yea")).await.accepted();
    host.until(&id, completed()).await;
    let over = host.cli(&["exec", "show", &id.0, "--timeline"]).await.succeeded();
    assert!(line(&over, "choose").contains("???"), "{over}");
    let told = host.cli(&["exec", "show", &id.0, "--timeline", "--json"]).await.json();
    assert_eq!(told["timeline"][1]["spans"][0]["what"], "waiting_for_person");
}

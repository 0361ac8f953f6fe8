//! The audit as an operator meets it: read, exported, checked, and found out when somebody changed it.

use std::fs;

use orgata_tests::HostSetup;
use orgata_tests::cli::orgata;
use orgata_tests::http::Reply;
use serde_json::json;

use crate::{pond, run};

#[tokio::test]
async fn what_somebody_did_is_read_exported_and_checked_even_without_the_host() {
    let host = pond().start().await;
    host.put("/api/v1/secrets/TOKEN", json!({ "value": "some-value" })).await.accepted();
    host.delete("/api/v1/secrets/NONE").await.refused(404, "SECRET_NOT_FOUND");
    run(&host, "pond", "angler-count", json!({})).await;

    let page = host.get("/api/v1/audit?action=secret").await.is(200);
    let told: Vec<_> = page["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| {
            [&line["action"], &line["subject"], &line["verdict"]].map(|it| it.as_str().unwrap().to_owned())
        })
        .collect();
    assert_eq!(
        told,
        [
            ["secret.remove", "NONE", "failed"],
            ["secret.remove", "NONE", "admitted"],
            ["secret.set", "TOKEN", "admitted"],
        ]
    );
    assert_eq!(page["items"][0]["detail"], "SECRET_NOT_FOUND");
    let shown = host.cli(&["audit", "list", "--verdict", "failed"]).await.succeeded();
    assert!(shown.contains("secret.remove") && shown.contains("failed: SECRET_NOT_FOUND"), "{shown}");
    host.get("/api/v1/audit?verdict=maybe").await.refused(400, "BAD_REQUEST");
    host.get("/api/v1/audit?cursor=x").await.refused(400, "BAD_REQUEST");

    let intact = host.cli(&["audit", "verify"]).await.succeeded();
    assert!(intact.contains("the audit is intact"), "{intact}");
    host.cli(&["audit", "export", "-o", "audit.jsonl"]).await.succeeded();
    let noted = intact.split("--noted ").nth(1).unwrap().trim().to_owned();
    host.cli(&["audit", "verify", "--noted", &noted]).await.succeeded();

    let folder = host.folder();
    orgata(folder, &["audit", "verify", "audit.jsonl", "--noted", &noted], "").await.succeeded();
    let lines = fs::read_to_string(folder.join("audit.jsonl")).unwrap();
    fs::write(folder.join("changed.jsonl"), lines.replacen("TOKEN", "OTHER", 1)).unwrap();
    let said = orgata(folder, &["audit", "verify", "changed.jsonl"], "").await;
    assert_eq!(said.code, Some(1));
    assert!(said.stdout.contains("the audit is broken at line"), "{}", said.stdout);
    // The newest lines taken away: only a note tells.
    let short: Vec<_> = lines.lines().take(2).collect();
    fs::write(folder.join("short.jsonl"), short.join("\n")).unwrap();
    orgata(folder, &["audit", "verify", "short.jsonl"], "").await.succeeded();
    let said = orgata(folder, &["audit", "verify", "short.jsonl", "--noted", &noted], "").await;
    assert!(said.code == Some(1) && said.stdout.contains("taken away"), "{}", said.stdout);
}

#[tokio::test]
async fn the_chain_goes_on_after_a_power_cut() {
    let host = pond().start().await;
    host.put("/api/v1/secrets/TOKEN", json!({ "value": "some-value" })).await.accepted();
    let host = host.kill_and_restart().await;
    // What was acknowledged was written down before.
    let page = host.get("/api/v1/audit?action=secret.set").await.is(200);
    assert_eq!(page["items"].as_array().unwrap().len(), 1);
    let before = host.get("/api/v1/audit/verify").await.is(200)["lines"].as_u64().unwrap();
    host.put("/api/v1/secrets/TOKEN", json!({ "value": "other-value" })).await.accepted();
    let check = host.get("/api/v1/audit/verify").await.is(200);
    assert_eq!((&check["intact"], check["lines"].as_u64()), (&json!(true), Some(before + 1)), "{check}");
}

#[tokio::test]
async fn who_started_who_answered_and_who_was_refused_is_written_down() {
    let host = HostSetup::kitchen().asking_for_keys().start().await;
    let started = json!({ "playbookName": "pbj-sandwich", "input": { "sandwichType": "classic" } });
    let path = "/api/v1/runtimes/kitchen-v1/executions?wait=20s";
    let execution = host.post(path, started.clone()).await.accepted()["executionId"].clone();
    let questions = format!("/api/v1/executions/{}/interventions", execution.as_str().unwrap());
    let question = host.get(&questions).await.is(200)["items"][0]["id"].clone();
    let answer = format!("{questions}/{}", question.as_str().unwrap());
    host.post(&answer, json!({ "response": { "jelly_flavor": "grape" } })).await.accepted();
    let reads = ["key", "create", "reader", "--environment", "development", "--scope", "execution:read"];
    let reader = host.cli(&reads).await.succeeded();
    for (key, status) in [(reader.trim(), 403), ("orgata_made_up", 401)] {
        let refused = host.client().post(host.url(path)).bearer_auth(key).json(&started);
        assert_eq!(Reply::read("a start", refused).await.status, status);
    }
    // Nothing of development exists for who may enter staging alone: it is told so, and written down.
    let elsewhere = host.cli(&["key", "create", "stranger", "--environment", "staging"]).await.succeeded();
    let looked = format!("/api/v1/executions/{}", execution.as_str().unwrap());
    for hidden in [looked.as_str(), "/api/v1/runtimes/kitchen-v1/playbooks"] {
        let asked = host.client().get(host.url(hidden)).bearer_auth(elsewhere.trim());
        assert_eq!(Reply::read("a look", asked).await.status, 404);
    }

    let lines = host.get("/api/v1/audit?limit=100").await.is(200)["items"].clone();
    let line = |action: &str, who: &str, verdict: &str| {
        let found =
            lines.as_array().unwrap().iter().find(|line| {
                line["action"] == action && line["principal"] == who && line["verdict"] == verdict
            });
        found.unwrap_or_else(|| panic!("{who} {verdict} {action}: {lines:#}")).clone()
    };
    for line in [
        line("execution.start", "tester", "admitted"),
        line("intervention.answer", "tester", "admitted"),
        line("key.create", "tester", "admitted"),
        line("execution.start", "reader", "denied"),
        line("authenticate", "(unknown)", "denied"),
        line("enter", "stranger", "denied"),
    ] {
        assert_eq!(line["address"], "127.0.0.1", "{line}");
        assert!(line["requestId"].as_str().unwrap().starts_with("req_"), "{line}");
    }
    let about: Vec<_> = lines
        .as_array()
        .unwrap()
        .iter()
        .filter(|line| line["action"] == "enter")
        .map(|line| &line["subject"])
        .collect();
    assert_eq!(about, [&json!("kitchen-v1"), &execution]);
}

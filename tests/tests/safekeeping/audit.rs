//! The audit as an operator meets it: read, exported, checked, and found out when somebody changed it.

use std::fs;

use orgata_tests::cli::orgata;
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
    host.put("/api/v1/secrets/TOKEN", json!({ "value": "other-value" })).await.accepted();
    let check = host.get("/api/v1/audit/verify").await.is(200);
    assert_eq!((&check["intact"], check["lines"].as_u64()), (&json!(true), Some(3)), "{check}");
}

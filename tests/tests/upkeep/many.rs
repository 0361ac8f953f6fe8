//! Steering many at once.

use orgata_tests::matchers::{asked, event};
use serde_json::{Value, json};

use crate::{ended, ids, setup, waiting};

#[tokio::test]
async fn the_kitchen_is_closed_for_everyone_who_waits_and_opened_again() {
    let host = setup().start().await;
    let done = ended(&host, "desk", "a").await;
    let mut open = Vec::new();
    for _ in 0..7 {
        open.push(waiting(&host).await);
    }
    let path = "/api/v1/executions/pause?runtime=desk&playbook=ask";
    let told = host.post(&format!("{path}&dryRun=true"), Value::Null).await.is(200);
    assert_eq!((&told["done"], &told["items"][0]["outcome"]), (&json!(7), &json!("would_be_done")));
    assert_eq!(ids(&host, "status=paused").await.len(), 0);

    let paused = host.post(path, json!({ "reason": "closed" })).await.is(200);
    assert_eq!((&paused["done"], &paused["refused"]), (&json!(7), &json!(0)));
    let host = host.kill_and_restart().await;
    assert_eq!(ids(&host, "status=paused").await.len(), 7);
    for id in &open {
        let paused = host.until(id, event("execution_paused")).await;
        assert_eq!((&paused.body["reason"], &paused.body["actor"]), (&json!("closed"), &json!("local")));
    }

    let every = "/api/v1/executions/resume?runtime=desk&status=paused,succeeded";
    let resumed = host.post(every, Value::Null).await.is(200);
    assert_eq!((&resumed["done"], &resumed["refused"]), (&json!(7), &json!(1)));
    let refused = resumed["items"].as_array().unwrap().last().unwrap();
    assert_eq!(
        (&refused["executionId"], &refused["refusal"]["code"]),
        (&json!(done.0), &json!("EXECUTION_ENDED"))
    );
    host.post("/api/v1/executions/cancel", json!({})).await.refused(400, "BAD_REQUEST");
    assert_eq!(ids(&host, "status=waiting").await.len(), 7);
}

#[tokio::test]
async fn a_script_steers_many_and_hears_what_came_of_each() {
    let host = setup().start().await;
    let mut open = Vec::new();
    for _ in 0..3 {
        open.push(waiting(&host).await);
    }
    let some = ["exec", "pause", "--playbook", "ask", "--limit", "2", "--reason", "lunch"];
    let told = host.cli(&some).await.succeeded();
    let lines: Vec<&str> = told.lines().collect();
    let paused = |at: usize| format!("{} is paused", open[at]);
    assert_eq!(lines, [&paused(2), &paused(1), "2 paused; there are more: raise --limit"]);
    assert_eq!(host.history(&open[1]).await.last().unwrap().body["reason"], "lunch");

    let told =
        host.cli(&["exec", "cancel", "--status", "waiting,paused", "--dry-run", "--json"]).await.json();
    assert_eq!((&told["dryRun"], &told["done"], &told["more"]), (&json!(true), &json!(3), &json!(false)));
    let mixed = host.cli(&["exec", "resume", "--status", "waiting,paused"]).await;
    assert!(mixed.stderr.contains(&format!("{} is not: the execution is not paused", open[0])), "{mixed:?}");
    assert!(mixed.stdout.ends_with("2 resumed, 1 not\n"), "{mixed:?}");
    mixed.failed(1);
    for wrong in [&["exec", "pause"][..], &["exec", "pause", &open[0].0, "--runtime", "desk"]] {
        host.cli(wrong).await.failed(2);
    }
    for id in &open {
        host.until(id, asked("choose")).await;
    }
    let since = host.status(&open[1]).await["startedAt"].as_str().unwrap().to_owned();
    let found = host.cli(&["exec", "list", "--since", &since, "--status", "waiting", "--json"]).await.json();
    assert_eq!(found["items"].as_array().unwrap().len(), 2);
}

//! What a script sees: exit codes, places of mistakes, and that nothing is left behind.

use std::fs;

use serde_json::json;

use crate::{shop, simulate};

#[tokio::test]
async fn an_expectation_that_is_not_met_is_an_exit_code_and_a_line() {
    let place = shop().await;
    let scenario = "input: { customer: Ada, amount: 50, reason: it broke }\nexpect:\n  ran: [approve]\n  output: { payout: 50 }\n";
    fs::write(place.folder().join("wrong.yaml"), scenario).unwrap();
    let ended = simulate(&place, &["refund-approval", "--scenario", "wrong.yaml"]).await;
    assert_eq!(ended.code, Some(1), "{ended:?}");
    for part in [
        "✗ expect.ran (wrong.yaml:3): step `approve` did not run",
        "(wrong.yaml:4): the output is",
        "2 problems",
    ] {
        assert!(ended.stdout.contains(part), "{part:?}:\n{}", ended.stdout);
    }
}

#[tokio::test]
async fn a_scenario_with_a_mistake_is_told_with_its_place() {
    let place = shop().await;
    fs::write(place.folder().join("bad.yaml"), "inputs: {}\n").unwrap();
    let said = simulate(&place, &["refund-approval", "--scenario", "bad.yaml"]).await.failed(1);
    assert!(said.contains("--> bad.yaml:1:1") && said.contains("did you mean `input`?"), "{said}");
    fs::write(place.folder().join("bad.yaml"), "steps: { aprove: { result: 1 } }\n").unwrap();
    let said = simulate(&place, &["refund-approval", "--scenario", "bad.yaml"]).await.failed(5);
    assert!(said.contains("--> bad.yaml:1:10") && said.contains("did you mean `approve`?"), "{said}");
    let said = simulate(&place, &["refund-approval", "--scenario", "gone.yaml"]).await.failed(1);
    assert!(said.contains("gone.yaml cannot be read"), "{said}");
}

#[tokio::test]
async fn a_file_is_played_and_not_published_and_a_real_question_stays_as_it_was() {
    let place = shop().await;
    let file = "name: hello\nsteps:\n  - { name: quote, operation: shop/quote, params: { lines: [] } }\n  - { name: sleep, wait: 30d }\n";
    fs::write(place.folder().join("hello.yaml"), file).unwrap();
    let told = simulate(&place, &["hello.yaml"]).await.succeeded();
    assert!(told.contains("succeeded after 30d of virtual time") && told.contains("[real]"), "{told}");
    fs::write(place.folder().join("example.yaml"), "steps: { quote: { use: examples } }\n").unwrap();
    let told = simulate(&place, &["hello.yaml", "-s", "example.yaml"]).await.succeeded();
    assert!(told.contains("1120") && told.contains("[example: two lines]"), "{told}");
    let host = place.start().await;
    host.get("/api/v1/runtimes/shop/playbooks/hello").await.is(404);
    assert_eq!(host.get("/api/v1/executions").await.is(200)["items"], json!([]), "nothing of it is kept");
}

#[tokio::test]
async fn rest_plays_what_it_is_sent() {
    let host = shop().await.start().await;
    let path = "/api/v1/runtimes/shop/playbooks/refund-approval/simulate";
    let refund = json!({ "customer": "Ada", "amount": 500, "reason": "it broke" });
    let body = json!({ "input": refund, "scenario": "interventions: { approve: { answer: { decision: approve } } }" });
    let report = host.post(path, body).await.is(200);
    assert_eq!((&report["passed"], &report["output"]["decision"]), (&json!(true), &json!("approve")));
    let asked = report["timeline"]
        .as_array()
        .unwrap()
        .iter()
        .find(|it| it["event"]["type"] == "intervention_resolved");
    assert_eq!(asked.unwrap()["event"]["actor"], "manager");
    let refused =
        host.post(path, json!({ "input": refund, "scenario": "expect: { ran: [fees] }" })).await.is(422);
    assert_eq!(refused["error"]["code"], "SCENARIO_INVALID");
    assert_eq!(refused["error"]["details"]["problems"][0]["hint"], "did you mean `fee`?");
    let refused = host.post(path, json!({ "recorded": ["nonsense"] })).await.is(422);
    assert_eq!(refused["error"]["code"], "HISTORY_INVALID");
}

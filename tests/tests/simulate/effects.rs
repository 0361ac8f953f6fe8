//! Nothing leaves the host: a server that would be asked witnesses that it is not.

use std::fs;

use orgata_tests::matchers::completed;
use orgata_tests::{HostSetup, Witness};
use serde_json::json;

use crate::simulate;

const FETCH_A_PAGE: &str = include_str!("../../playbooks/fetch-a-page.yaml");

#[tokio::test]
async fn an_effect_is_told_by_the_scenario_an_example_or_a_record_and_never_done() {
    let web = Witness::start().await;
    web.page("/bread", "Bread.");
    let grants = json!({ "http-fetch": { "network": [web.authority()], "privateAddresses": true } });
    let setup = HostSetup::new().plugin("http-fetch").playbook("fetch-a-page", FETCH_A_PAGE);
    let host = setup.runtime("web", json!({ "grants": grants })).start().await;
    let url = web.url("/bread");
    // Once it is real, and is written down.
    let id = host.begin("fetch-a-page", json!({ "url": url })).await;
    let output = host.until(&id, completed()).await;
    assert_eq!((&output["body"], web.total()), (&json!("Bread."), 1));
    host.cli(&["exec", "export", &id.0, "-o", "fetched.jsonl"]).await.succeeded();

    let result = json!({ "status": 200, "headers": [], "body": "Jam.", "truncated": false });
    let scenario = format!("input: {{ url: \"{url}\" }}\nsteps: {{ fetch: {{ result: {result} }} }}\n");
    fs::write(host.folder().join("told.yaml"), &scenario).unwrap();
    fs::write(host.folder().join("recorded.yaml"), "recorded: [fetched.jsonl]\n").unwrap();
    // By the running host, and by one for this alone.
    let arguments = ["simulate", "fetch-a-page", "--scenario", "told.yaml", "--json"];
    let report = host.cli(&arguments).await.json();
    assert_eq!((&report["output"]["body"], &report["passed"]), (&json!("Jam."), &json!(true)));
    let place = host.stop().await;
    let report = simulate(&place, &["fetch-a-page", "--scenario", "recorded.yaml", "--json"]).await.json();
    assert_eq!(report["output"], output, "as it was");
    let report = simulate(&place, &["fetch-a-page", "--recorded", "fetched.jsonl", "--json"]).await.json();
    assert_eq!(report["output"], output);
    // By an example of the operation: whatever it is, it comes from nowhere else.
    let input = json!({ "url": url }).to_string();
    let report = simulate(&place, &["fetch-a-page", "--input", &input, "--json"]).await;
    assert!(
        report.stdout.contains("\"from\": \"example\"") || report.stdout.contains("NOT_SIMULATED"),
        "{report:?}"
    );
    assert_eq!(web.total(), 1, "nothing was asked again");
}

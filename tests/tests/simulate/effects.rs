//! Nothing leaves the host: a server that would be asked witnesses that it is not.

use std::fs;

use orgata_tests::matchers::completed;
use orgata_tests::{HostSetup, Witness};
use serde_json::{Value, json};

use crate::simulate;

const FETCH_A_PAGE: &str = include_str!("../../playbooks/fetch-a-page.yaml");

#[tokio::test]
async fn an_effect_is_told_by_a_scenario_or_a_record_and_never_done() {
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

    let result = json!({ "status": 200, "headers": {}, "body": "Jam.", "base64": false, "truncated": false });
    let told =
        |result: &Value| format!("input: {{ url: \"{url}\" }}\nsteps: {{ fetch: {{ result: {result} }} }}\n");
    fs::write(host.folder().join("told.yaml"), told(&result)).unwrap();
    fs::write(host.folder().join("misfit.yaml"), told(&json!({ "status": "fine" }))).unwrap();
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
    // What does not fit to the operation, and what nobody says, is told.
    let ended = simulate(&place, &["fetch-a-page", "--scenario", "misfit.yaml"]).await;
    assert!(
        ended.code == Some(1) && ended.stdout.contains("does not fit operation http-fetch/fetch"),
        "{ended:?}"
    );
    let input = json!({ "url": url }).to_string();
    let ended = simulate(&place, &["fetch-a-page", "--input", &input]).await;
    assert!(
        ended.code == Some(1) && ended.stdout.contains("add `steps: { fetch: { result: … } }`"),
        "{ended:?}"
    );
    assert_eq!(web.total(), 1, "nothing was asked again");
}

#[tokio::test]
async fn a_host_that_is_there_for_a_simulation_leaves_everything_else_alone() {
    let web = Witness::start().await;
    web.hold("/bread");
    let grants = json!({ "http-fetch": { "network": [web.authority()], "privateAddresses": true } });
    let setup = HostSetup::new().plugin("http-fetch").playbook("fetch-a-page", FETCH_A_PAGE);
    let setup = setup.playbook("sleep", "name: sleep\nsteps:\n  - { name: a, wait: 30d }\n");
    let host = setup.runtime("web", json!({ "grants": grants })).start().await;
    let id = host.begin("fetch-a-page", json!({ "url": web.url("/bread") })).await;
    web.until("/bread", 1).await;
    // It would be fetched again by any host that goes on with what it finds.
    let place = host.kill();
    simulate(&place, &["sleep"]).await.succeeded();
    assert_eq!(web.total(), 1);
    web.page("/bread", "Bread.");
    web.release("/bread");
    let host = place.start().await;
    assert_eq!(host.until(&id, completed()).await["body"], "Bread.");
    assert_eq!(web.total(), 2);
}

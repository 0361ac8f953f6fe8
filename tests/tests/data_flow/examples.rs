//! The other example playbooks, against what they talk about: an amount over the limit, a page on a server.

use orgata_tests::guests::built;
use orgata_tests::matchers::{asked, completed, failed, step_event};
use orgata_tests::{ExecutionId, HostSetup, TestHost, Witness};
use serde_json::{Value, json};

async fn refunds() -> TestHost {
    let setup = HostSetup::new().plugin("arithmetic").example("refund-approval");
    setup.runtime("shop", json!({})).start().await
}

fn refund(amount: u32) -> Value {
    json!({ "customer": "Ada", "amount": amount, "reason": "it broke" })
}

#[tokio::test]
async fn a_refund_below_the_limit_needs_nobody() {
    let host = refunds().await;
    let id = host.begin("refund-approval", refund(100)).await;
    let output = host.until(&id, completed()).await;
    assert_eq!(output["decision"], "approve");
    host.until(&id, step_event("step_skipped", "approve")).await;
    let paid = output["payout"].as_f64().unwrap() + output["fee"].as_f64().unwrap();
    assert!((paid - 100.0).abs() < 0.005, "{output}");
}

#[tokio::test]
async fn a_refund_above_the_limit_waits_for_a_manager() {
    let host = refunds().await;
    for (decision, letter) in [("approve", "has been approved"), ("reject", "has been declined")] {
        let id = host.begin("refund-approval", refund(101)).await;
        let question = host.until(&id, asked("approve")).await;
        assert_eq!(question.kind, "approval");
        assert_eq!(question.options, ["approve", "reject"]);
        assert_eq!(question.body["assigneeRole"], "manager");
        assert!(question.prompt.starts_with("Refund 101 to Ada (it broke)?"), "{}", question.prompt);
        host.answer(&id, &question, json!({ "decision": decision })).await.accepted();
        let output = host.until(&id, completed()).await;
        assert_eq!(output["decision"], decision);
        assert!(output["letter"].as_str().unwrap().contains(letter), "{output}");
        assert_eq!(output["payout"] == 0, decision == "reject", "{output}");
    }
}

/// Three sentences say what it is about, the others do not.
const PAGE: &str = "<p>Bread is baked from flour and water.</p> <p>Bread with jelly makes a sandwich.</p> \
                    <p>It rained.</p> <p>A sandwich of bread and jelly is eaten at noon.</p> <p>He left.</p>";

/// Only fetches.
const FETCH_A_PAGE: &str = include_str!("../../playbooks/fetch-a-page.yaml");

#[tokio::test]
async fn a_page_is_fetched_from_a_server_and_summarised() {
    let web = Witness::start().await;
    web.page("/bread", PAGE);
    let grants = json!({ "network": [web.authority()], "privateAddresses": true });
    let setup = HostSetup::new().plugin("http-fetch");
    // The second step is in JavaScript: where its compiler is not installed, the page is not summarised.
    let (setup, playbook) = match built("text") {
        Some(_) => (setup.plugin("text").example("fetch-and-summarise"), "fetch-and-summarise"),
        None => {
            println!("text.wasm is not built, as Node is not there: the page is fetched, and not summarised");
            (setup.playbook("fetch-a-page", FETCH_A_PAGE), "fetch-a-page")
        }
    };
    let host = setup.runtime("web", json!({ "grants": { "http-fetch": grants } })).start().await;
    let id = host.begin(playbook, json!({ "url": web.url("/bread") })).await;
    let output = host.until(&id, completed()).await;
    assert_eq!(output["status"], 200);
    assert_eq!(web.seen("/bread").len(), 1);
    if playbook == "fetch-and-summarise" {
        let summary = output["summary"].as_str().unwrap();
        assert!(summary.contains("sandwich") && !summary.contains('<'), "{summary}");
        assert!(!summary.contains("He left"), "{summary}");
        assert_eq!(output["words"], 27, "{output}");
    } else {
        assert_eq!(output["body"], PAGE);
    }
}

#[tokio::test]
async fn a_page_that_was_not_granted_is_not_fetched() {
    let web = Witness::start().await;
    // The one names another server, the other does not say that it may be on this machine.
    let elsewhere = json!({ "network": ["example.com:443"], "privateAddresses": true });
    let public = json!({ "network": [web.authority()] });
    let setup = HostSetup::new().plugin("http-fetch").playbook("fetch-a-page", FETCH_A_PAGE);
    let host = setup
        .runtime("elsewhere", json!({ "grants": { "http-fetch": elsewhere } }))
        .runtime("public", json!({ "grants": { "http-fetch": public } }))
        .start()
        .await;
    for runtime in ["elsewhere", "public"] {
        let request = json!({ "playbookName": "fetch-a-page", "input": { "url": web.url("/bread") } });
        let path = format!("/api/v1/runtimes/{runtime}/executions");
        let handle = host.post(&path, request).await.is(202);
        let id = ExecutionId(handle["executionId"].as_str().unwrap().to_owned());
        let failure = host.until(&id, failed()).await;
        assert_eq!((&failure["kind"], &failure["code"]), (&json!("permanent"), &json!("denied")));
        let message = failure["message"].as_str().unwrap();
        assert!(message.contains("grant") && message.contains("http-fetch"), "it says what to do: {message}");
    }
    assert_eq!(web.total(), 0, "nothing left the host");
}

//! Two people who must approve, neither of them the one who asked: each proves who they are with a key of their own.

use orgata_tests::http::Reply;
use orgata_tests::patience::until;
use orgata_tests::{HostSetup, TestHost};
use serde_json::{Value, json};

const PAY: &str = "
name: pay
roles: [finance]
steps:
  - name: sign
    intervention: { type: approval, prompt: Pay?, approvals: 2 of finance, selfApproval: false, humansOnly: true }
output: { decision: $steps.sign.result.decision }
";

/// A key for somebody in development.
async fn key(host: &TestHost, name: &str, more: &[&str]) -> String {
    let make = ["key", "create", name, "--environment", "development"];
    let all: Vec<&str> = make.into_iter().chain(more.iter().copied()).collect();
    host.cli(&all).await.succeeded().trim().to_owned()
}

async fn send(host: &TestHost, key: &str, path: &str, body: Value) -> Reply {
    Reply::read(path, host.client().post(host.url(path)).bearer_auth(key).json(&body)).await
}

#[tokio::test]
async fn two_of_finance_approve_and_nobody_stands_for_another() {
    let setup = HostSetup::new().asking_for_keys().playbook("pay", PAY);
    let host = setup.runtime("desk", json!({})).start().await;
    let finance = ["--kind", "user", "--role", "finance"];
    let ada = key(&host, "ada", &finance).await;
    let ben = key(&host, "ben", &finance).await;
    let cleo = key(&host, "cleo", &finance).await;
    let dan = key(&host, "dan", &["--kind", "user"]).await;
    let bot = key(&host, "bot", &["--kind", "assistant", "--role", "finance"]).await;

    let start = json!({ "playbookName": "pay", "input": {} });
    let started = send(&host, &ada, "/api/v1/runtimes/desk/executions?wait=20s", start).await.accepted();
    let execution = format!("/api/v1/executions/{}", started["executionId"].as_str().unwrap());
    let questions = format!("{execution}/interventions");
    let question = host.get(&questions).await.is(200)["items"][0]["id"].clone();
    let answer = format!("{questions}/{}", question.as_str().unwrap());
    let yes = json!({ "response": { "decision": "approve" } });

    for (who, why) in [(&ada, "somebody else"), (&dan, "does not hold it"), (&bot, "a person")] {
        let refused = send(&host, who, &answer, yes.clone()).await;
        assert!(refused.status == 403 && refused.body.to_string().contains(why), "{:?}", refused.body);
    }
    let first = send(&host, &ben, &answer, yes.clone()).await.accepted();
    assert_eq!(
        (&first["status"], &first["approved"], &first["approvals"]),
        (&json!("approved"), &json!(1), &json!(2))
    );
    let open = host.get(&execution).await.is(200);
    assert_eq!(open["status"], "waiting", "one is not enough: {open}");
    // Whoever has approved has said what they had to say.
    let again = send(&host, &ben, &answer, yes.clone()).await;
    assert!(!(200..300).contains(&again.status), "{:?}", again.body);
    let last = send(&host, &cleo, &answer, yes).await.accepted();
    assert_eq!((&last["status"], last.get("approved")), (&json!("answered"), None), "{last}");
    let ended = until(async || {
        let told = host.get(&execution).await.is(200);
        (told["status"] == "succeeded").then_some(told)
    });
    assert_eq!(ended.await.expect("it ends")["output"]["decision"], "approve");
}

/// What the inbox says of the only question, to whoever holds this key.
async fn waiting(host: &TestHost, key: &str) -> Value {
    let request = host.client().get(host.url("/api/v1/interventions")).bearer_auth(key);
    let page = Reply::read("inbox", request).await.is(200);
    assert_eq!(page["items"].as_array().unwrap().len(), 1, "{page}");
    page["items"][0].clone()
}

#[tokio::test]
async fn the_inbox_shows_how_many_have_approved_and_who_to_those_who_may_look() {
    let three = PAY.replace("2 of finance", "3 of finance");
    let setup = HostSetup::new().asking_for_keys().playbook("pay", &three);
    let host = setup.runtime("desk", json!({})).start().await;
    let finance = ["--kind", "user", "--role", "finance"];
    let keys = [key(&host, "ben", &finance).await, key(&host, "cleo", &finance).await];
    let answers = ["--role", "finance", "--scope", "intervention:write"];
    let eve = key(&host, "eve", &answers).await;
    let start = json!({ "playbookName": "pay", "input": {} });
    let started = host.post("/api/v1/runtimes/desk/executions?wait=20s", start).await.accepted();
    let questions = format!("/api/v1/executions/{}/interventions", started["executionId"].as_str().unwrap());
    let open = waiting(&host, &eve).await;
    assert_eq!((&open["approved"], &open["approvals"]), (&json!(0), &json!(3)), "{open}");
    let answer = format!("{questions}/{}", open["id"].as_str().unwrap());
    for (at, key) in keys.iter().enumerate() {
        let taken =
            send(&host, key, &answer, json!({ "response": { "decision": "approve" } })).await.accepted();
        assert_eq!(taken["approved"], at + 1, "{taken}");
    }

    let host = host.kill_and_restart().await;
    let names = json!(["ben", "cleo"]);
    for shown in [waiting(&host, &keys[0]).await, host.get(&questions).await.is(200)["items"][0].clone()] {
        assert_eq!((&shown["approved"], &shown["approvals"]), (&json!(2), &json!(3)), "{shown}");
        assert_eq!(shown["approvedBy"], names, "{shown}");
    }
    // How many there are is what she needs to know; who they are is in a history that she may not see.
    let shown = waiting(&host, &eve).await;
    assert_eq!((&shown["approved"], shown.get("approvedBy")), (&json!(2), None), "{shown}");
    let inbox = host.cli(&["inbox"]).await.succeeded();
    assert!(inbox.contains("APPROVED") && inbox.contains("2 of 3 (ben, cleo)"), "{inbox}");
    let inbox = host.cli(&["inbox", "--key", &eve]).await.succeeded();
    assert!(inbox.contains("2 of 3") && !inbox.contains("ben"), "{inbox}");
}

//! Grants with a life of their own: a version that wants more waits, a revocation ends what runs, and the audit tells it all.

use orgata_tests::witness::Witness;
use orgata_tests::{HostSetup, TestHost};
use serde_json::{Value, json};

use crate::run;

const GRANTS: &str = "/api/v1/runtimes/pond/grants";

/// A host with the first version of a plugin that will want more, granted all that it will want.
fn setup(witness: &Witness) -> HostSetup {
    let step = "{ name: go, operation: reacher/reach, params: { url: $input.url } }";
    let grants =
        json!({ "reacher": { "kv": true, "network": [witness.authority()], "privateAddresses": true } });
    HostSetup::new()
        .plugin_from("reacher", "odd-reacher-1")
        .playbook("reach", &format!("name: reach\nsteps: [{step}]\noutput: $steps.go.result\n"))
        .runtime("pond", json!({ "grants": grants }))
}

/// What the runtime says of the plugin.
async fn held(host: &TestHost) -> Value {
    let page = host.get(GRANTS).await.is(200);
    page["items"].as_array().unwrap().iter().find(|held| held["plugin"] == "reacher").unwrap().clone()
}

async fn version(host: &TestHost, url: &str) -> Value {
    run(host, "pond", "reach", json!({ "url": url })).await["output"]["version"].clone()
}

async fn audit(host: &TestHost, action: &str) -> Vec<Value> {
    let page = host.get(&format!("/api/v1/audit?action={action}&limit=100")).await.is(200);
    page["items"].as_array().unwrap().clone()
}

async fn intact(host: &TestHost) {
    let check = host.get("/api/v1/audit/verify").await.is(200);
    assert_eq!(check["intact"], true, "{check}");
}

#[tokio::test]
async fn a_version_that_wants_more_waits_for_a_person_also_over_a_restart() {
    let witness = Witness::start().await;
    let url = witness.url("/pond");
    let host = setup(&witness).start().await;
    assert_eq!(version(&host, &url).await, "1.0.0");
    host.upload("odd-reacher-2").await.accepted();

    let host = host.kill_and_restart().await;
    assert_eq!(version(&host, &url).await, "1.0.0", "the runtime goes on with the version that it had");
    assert_eq!(witness.total(), 0);
    let now = held(&host).await;
    assert_eq!(
        (&now["confirmed"]["version"], &now["pending"]["version"]),
        (&json!("1.0.0"), &json!("2.0.0"))
    );
    assert_eq!((&now["pending"]["more"], &now["wanted"]), (&json!(["network"]), &json!(["kv"])), "{now}");
    assert_eq!(now["used"][0]["name"], "state", "{now}");
    let shown = host.cli(&["plugin", "grants"]).await.succeeded();
    assert!(shown.contains("which wants network more"), "{shown}");

    host.cli(&["plugin", "confirm", "reacher"]).await.succeeded();
    assert_eq!(version(&host, &url).await, "2.0.0");
    let now = held(&host).await;
    assert!(now.get("pending").is_none(), "{now}");
    let reached = now["used"].as_array().unwrap().iter().find(|used| used["kind"] == "network").unwrap();
    assert_eq!((&reached["name"], &reached["count"]), (&json!(witness.authority()), &json!(1)));

    let host = host.kill_and_restart().await;
    assert_eq!(version(&host, &url).await, "2.0.0");
    let pending = audit(&host, "grant.pending").await;
    assert_eq!(pending.len(), 1, "{pending:#?}");
    assert_eq!((&pending[0]["principal"], &pending[0]["kind"]), (&json!("reacher@2.0.0"), &json!("plugin")));
    let confirmed = audit(&host, "grant.confirm").await;
    assert_eq!(confirmed.len(), 1, "{confirmed:#?}");
    assert_eq!(confirmed[0]["detail"], "version 2.0.0 wants network more than version 1.0.0");
    intact(&host).await;
}

#[tokio::test]
async fn a_revocation_ends_the_call_that_runs_and_starts_nothing_until_it_is_confirmed() {
    let witness = Witness::start().await;
    let url = witness.url("/slow");
    let host = setup(&witness).start().await;
    host.upload("odd-reacher-2").await.accepted();
    host.cli(&["plugin", "confirm", "reacher"]).await.succeeded();

    witness.hold("/slow");
    let start = json!({ "playbookName": "reach", "input": { "url": url } });
    let path = "/api/v1/runtimes/pond/executions";
    let execution = host.post(path, start.clone()).await.accepted()["executionId"].clone();
    witness.until("/slow", 1).await;
    host.cli(&["plugin", "revoke", "reacher", "--reason", "it calls what it should not"]).await.succeeded();
    let ended = host.get(&format!("/api/v1/executions/{}?wait=20s", execution.as_str().unwrap())).await;
    let ended = until_ended(&host, ended.is(200)).await;
    assert_eq!(
        (&ended["status"], &ended["failure"]["code"]),
        (&json!("failed"), &json!("NOT_GRANTED")),
        "{ended}"
    );
    assert_eq!(ended["failure"]["kind"], "permanent", "{ended}");
    let told = ended["failure"]["message"].as_str().unwrap();
    assert!(told.contains("it calls what it should not") && told.contains("orgata plugin confirm"), "{told}");

    let host = host.kill_and_restart().await;
    host.post(path, start).await.refused(409, "OPERATION_MISSING");
    assert_eq!(held(&host).await["revoked"]["reason"], "it calls what it should not");
    witness.release("/slow");
    host.cli(&["plugin", "confirm", "reacher"]).await.succeeded();
    assert_eq!(version(&host, &url).await, "2.0.0");
    let revoked = audit(&host, "grant.revoke").await;
    assert_eq!(revoked.len(), 1, "{revoked:#?}");
    assert_eq!(
        (&revoked[0]["verdict"], &revoked[0]["detail"]),
        (&json!("admitted"), &json!("it calls what it should not")),
        "why it was taken is in the record, too"
    );
    let confirmed = audit(&host, "grant.confirm").await;
    let again = confirmed.iter().filter_map(|line| line["detail"].as_str());
    assert!(again.clone().any(|told| told.contains("it calls what it should not")), "{confirmed:#?}");
    intact(&host).await;
}

async fn until_ended(host: &TestHost, mut execution: Value) -> Value {
    let id = execution["executionId"].as_str().unwrap().to_owned();
    let ended = orgata_tests::patience::until(async || {
        execution = host.get(&format!("/api/v1/executions/{id}")).await.is(200);
        (execution["status"] == "failed").then(|| execution.clone())
    });
    ended.await.unwrap_or_else(|| panic!("{id} should have ended"))
}

#[tokio::test]
async fn what_a_guest_was_denied_is_in_the_audit_each_thing_once() {
    let witness = Witness::start().await;
    let many = "{ name: go, operation: hostile-http/call-many, params: { url: $input.url, times: 50 } }";
    let host = HostSetup::new()
        .plugin("hostile-http")
        .playbook("many", &format!("name: many\nsteps: [{many}]\noutput: $steps.go.result\n"))
        .runtime("pond", json!({ "grants": { "hostile-http": { "network": ["other.example:443"] } } }))
        .start()
        .await;
    let ran = run(&host, "pond", "many", json!({ "url": witness.url("/") })).await;
    assert_eq!(ran["output"]["answered"], 0, "{ran}");
    let lines = audit(&host, "guest.network").await;
    assert_eq!(lines.len(), 1, "{lines:#?}");
    let line = &lines[0];
    assert_eq!(
        (&line["principal"], &line["kind"], &line["verdict"]),
        (&json!("hostile-http@1.0.0"), &json!("plugin"), &json!("denied"))
    );
    let subject = line["subject"].as_str().unwrap();
    assert!(subject.contains(&witness.authority()), "{subject}");
    assert!(subject.ends_with(ran["executionId"].as_str().unwrap()), "{subject}");
    assert!(line["detail"].as_str().unwrap().ends_with("; 50 times"), "{line}");
    intact(&host).await;
}

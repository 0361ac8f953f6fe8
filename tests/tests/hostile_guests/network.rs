//! Where a guest may not go: hosts, ports and addresses that were not granted, servers that never answer.

use std::net::TcpListener;

use orgata_tests::patience::until;
use orgata_tests::{TestHost, Witness};
use serde_json::{Value, json};

use super::{one_step, run, strict};

/// A host where `hostile-http` and `http-fetch` may call these, and are told whether those may be on this machine.
async fn granting(network: Value, private: bool) -> TestHost {
    let grants = json!({ "network": network, "privateAddresses": private });
    let setup = strict(&["hostile-http", "http-fetch"]);
    let setup = one_step(setup, "hostile-http/call", "{ url: $input.url }");
    let setup = one_step(setup, "hostile-http/follow-redirect", "{ url: $input.url }");
    let setup = one_step(setup, "hostile-http/call-many", "{ url: $input.url, times: 100 }");
    let setup = one_step(setup, "http-fetch/fetch", "{ url: $input.url }");
    let runtime = json!({ "grants": { "hostile-http": grants, "http-fetch": grants } });
    setup.runtime("cell", runtime).start().await
}

/// What the host said to the guest instead of a response.
fn refusal(told: &Value) -> &str {
    told["output"]["refused"].as_str().unwrap_or_else(|| panic!("it should have been refused: {told}"))
}

/// The audit log has a line about this denial, and what to grant.
async fn audited(host: &TestHost, what: &str, missing: &str) {
    let is_it = |line: &String| line.contains("denied") && line.contains(what) && line.contains(missing);
    let told = until(async || host.log().iter().any(is_it).then_some(()));
    assert!(told.await.is_some(), "{what} and {missing} should be in the log:\n{}", host.log().join("\n"));
}

#[tokio::test]
async fn what_was_not_granted_is_not_reached() {
    let granted = Witness::start().await;
    let other = Witness::start().await;
    granted.redirect("/away", other.url("/"));
    let host = granting(json!([granted.authority()]), true).await;
    let port = other.authority().rsplit_once(':').unwrap().1.to_owned();

    // Another host; the granted one by its name, which is another spelling; its other port.
    for url in ["http://192.0.2.1/".to_owned(), format!("http://localhost:{port}/"), other.url("/")] {
        let told = run(&host, "hostile-http/call", json!({ "url": url })).await;
        assert!(refusal(&told).contains("does not allow"), "{url}: {told}");
    }
    audited(&host, &other.authority(), "network: [").await;

    // A redirect is followed by the guest, and checked as any other request.
    let told = run(&host, "hostile-http/follow-redirect", json!({ "url": granted.url("/away") })).await;
    assert_eq!(told["output"]["first"]["status"], 302, "{told}");
    let second = told["output"]["second"]["refused"].as_str().unwrap_or_default();
    assert!(second.contains("does not allow"), "{told}");

    // A plugin that gives up says what the operator can do.
    let told = run(&host, "http-fetch/fetch", json!({ "url": granted.url("/away") })).await;
    assert_eq!(told["failure"]["code"], "denied", "{told}");
    let hint = format!("grant network: [{}] to plugin http-fetch in runtime cell", other.authority());
    assert!(told["failure"]["message"].as_str().unwrap().contains(&hint), "{told}");
    assert_eq!(other.total(), 0, "nothing came through");
    assert_eq!(granted.seen("/away").len(), 2);
}

#[tokio::test]
async fn a_name_does_not_lead_to_an_address_on_this_machine() {
    let server = Witness::start().await;
    let port = server.authority().rsplit_once(':').unwrap().1.to_owned();
    let spellings =
        ["localhost", "127.0.0.1", "[::1]", "[::ffff:127.0.0.1]"].map(|host| format!("{host}:{port}"));
    let host = granting(json!(spellings), false).await;
    for spelling in &spellings {
        let told = run(&host, "hostile-http/call", json!({ "url": format!("http://{spelling}/") })).await;
        assert!(refusal(&told).contains("does not allow"), "{spelling}: {told}");
        audited(&host, spelling, "privateAddresses: true").await;
    }
    assert_eq!(server.total(), 0, "nothing came through");
}

#[tokio::test]
async fn a_server_that_never_answers_and_one_that_never_ends_are_given_up() {
    let server = Witness::start().await;
    server.hold("/never");
    server.page("/large", "x".repeat(65 * 1024));
    // Takes connections, and nothing that is said.
    let deaf = TcpListener::bind("127.0.0.1:0").unwrap();
    let deaf = deaf.local_addr().unwrap().to_string();
    let host = granting(json!([server.authority(), deaf]), true).await;

    for url in [server.url("/never"), format!("http://{deaf}/")] {
        let told = run(&host, "http-fetch/fetch", json!({ "url": url })).await;
        assert_eq!(told["failure"]["kind"], "transient", "it may answer later: {told}");
        assert_eq!(told["failure"]["details"]["limit"], "httpTime", "{told}");
    }
    let told = run(&host, "http-fetch/fetch", json!({ "url": server.url("/large") })).await;
    assert_eq!(told["failure"]["details"]["limit"], "httpBody", "{told}");

    // Each request is within its time; all of them together are not.
    let told = run(&host, "hostile-http/call-many", json!({ "url": server.url("/never") })).await;
    assert_eq!(told["failure"]["details"]["limit"], "time", "{told}");
    server.release("/never");
    let told = run(&host, "hostile-http/call", json!({ "url": server.url("/never") })).await;
    assert_eq!(told["output"]["status"], 200, "the plugin works as ever: {told}");
}

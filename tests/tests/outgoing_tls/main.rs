//! Guests call servers over TLS: those that prove who they are are talked to, the others never.
//!
//! The server is a real one on this machine, with certificates made by the test. What the guest is told is typed
//! (`TLS-certificate-error` of `wasi:http`); what was wrong with the certificate stands in the step's failure.
//!
//! Not here: which hosts a guest may call at all (`hostile_guests`).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a story that cannot go on ends right there"
)]

mod authority;
mod server;

use orgata_tests::cli::orgata;
use orgata_tests::matchers::{completed, failed};
use orgata_tests::{HostSetup, TestHost};
use serde_json::{Value, json};

use authority::Authority;
use server::Server;

/// A host that believes this authority, or only the usual ones, with guests that may call these servers.
async fn host(believed: Option<&Authority>, servers: &[&Server]) -> TestHost {
    let network: Vec<String> = servers.iter().map(|server| server.authority()).collect();
    let grants = json!({ "network": network, "privateAddresses": true });
    let grants = json!({ "http-fetch": grants, "hostile-http": grants });
    let call = "name: call\nsteps: [{ name: call, operation: hostile-http/call, params: { url: $input.url } }]\n\
                output: $steps.call.result\n";
    let mut setup = HostSetup::new().plugin("http-fetch").plugin("hostile-http");
    if let Some(authority) = believed {
        let roots = json!({ "sandbox": { "httpRoots": "roots.pem" } });
        setup = setup.file("roots.pem", &authority.pem()).config(roots);
    }
    setup
        .playbook("fetch-a-page", include_str!("../../playbooks/fetch-a-page.yaml"))
        .playbook("call", call)
        .runtime("desk", json!({ "grants": grants }))
        .start()
        .await
}

/// How a step fails that fetches from this server: for good, because the server is not trusted.
async fn refused(host: &TestHost, server: &Server) -> String {
    let id = host.begin("fetch-a-page", json!({ "url": server.url() })).await;
    let failure = host.until(&id, failed()).await;
    assert_eq!(failure["code"], "untrusted", "{failure}");
    assert_eq!(failure["kind"], "permanent", "{failure}");
    assert_eq!(server.served(), 0, "nothing was sent to it");
    // A guest that goes on is told that it was the certificate, whatever was wrong with it.
    let id = host.begin("call", json!({ "url": server.url() })).await;
    let told = host.until(&id, completed()).await;
    assert_eq!(told["refused"], "the server cannot be trusted: tls certificate error");
    text(&failure, "message")
}

fn text(value: &Value, key: &str) -> String {
    value[key].as_str().unwrap_or_else(|| panic!("{key} is missing: {value}")).to_owned()
}

#[tokio::test]
async fn a_server_with_a_certificate_of_the_operators_own_authority_is_talked_to() {
    let authority = Authority::new("The house");
    let server = Server::start(authority.certificate("localhost")).await;
    let host = host(Some(&authority), &[&server]).await;
    let id = host.begin("fetch-a-page", json!({ "url": server.url() })).await;
    assert_eq!(host.until(&id, completed()).await, json!({ "status": 200, "body": "hello" }));
    assert_eq!(server.served(), 1);
}

#[tokio::test]
async fn a_certificate_that_proves_nothing_is_refused_with_what_is_wrong() {
    let house = Authority::new("The house");
    let unknown = Server::start(Authority::new("Somebody").certificate("localhost")).await;
    let elsewhere = Server::start(house.certificate("elsewhere.example")).await;
    let expired = Server::start(house.expired("localhost")).await;
    let early = Server::start(house.early("localhost")).await;
    let host = host(Some(&house), &[&unknown, &elsewhere, &expired, &early]).await;
    for (server, wrong) in [
        (&unknown, "it was issued by nobody that this host trusts"),
        (&elsewhere, "it is not for this host, but for"),
        (&expired, "it expired at 2021-02-03T00:00:00Z"),
        (&early, "it is not valid before 2999-01-01T00:00:00Z"),
    ] {
        let message = refused(&host, server).await;
        let named = format!("the certificate of {} was refused: {wrong}", server.authority());
        assert!(message.contains(&named), "{named} is missing: {message}");
    }
    let message = refused(&host, &elsewhere).await;
    assert!(message.contains("elsewhere.example"), "it says whose it is: {message}");
    let message = refused(&host, &unknown).await;
    assert!(message.contains("sandbox.httpRoots"), "it says what to do: {message}");
}

#[tokio::test]
async fn nobody_is_believed_but_the_usual_ones_where_nothing_is_set() {
    let server = Server::start(Authority::new("The house").certificate("localhost")).await;
    let host = host(None, &[&server]).await;
    assert!(refused(&host, &server).await.contains("issued by nobody that this host trusts"));
}

#[tokio::test]
async fn a_file_of_authorities_that_is_no_help_stops_the_start() {
    let setup = HostSetup::new().file("empty.pem", "nothing\n").runtime("desk", json!({}));
    let place = setup.start().await.stop().await;
    for (file, says) in [("gone.pem", "cannot be read"), ("empty.pem", "holds no certificate")] {
        let config = format!("sandbox: {{ httpRoots: {file} }}\n");
        std::fs::write(place.folder().join("roots.yaml"), config).unwrap();
        let arguments = ["serve", "--listen", "127.0.0.1:0", "--data", "data", "--config", "roots.yaml"];
        let said = orgata(place.folder(), &arguments, "").await.failed(1);
        for part in ["sandbox.httpRoots", file, says] {
            assert!(said.contains(part), "{part} is missing:\n{said}");
        }
    }
}

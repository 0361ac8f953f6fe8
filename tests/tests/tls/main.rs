//! TLS as an operator meets it: certificates to try, a host that shows one, a command line that trusts it, and what a
//! foreign client (OpenSSL's) can agree on with it.
//!
//! Not here: each rule of the handshake (beside the code, with a client of our own).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a story that cannot go on ends right there"
)]

mod openssl;

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use orgata_tests::cli::{Ended, orgata};
use orgata_tests::{HostSetup, TestHost};
use serde_json::{Value, json};
use tempfile::TempDir;

/// Certificates in a folder of their own.
struct Certificates(TempDir);

impl Certificates {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let _ = orgata(folder.path(), &["dev-cert", "--out", "."], "").await.succeeded();
        Self(folder)
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).to_str().unwrap().to_owned()
    }

    /// A host that shows them.
    async fn host(&self, more: Value) -> TestHost {
        let mut tls = json!({ "certificate": self.path("server.pem"), "key": self.path("server.key") });
        for (key, value) in more.as_object().unwrap() {
            tls[key] = value.clone();
        }
        HostSetup::kitchen().config(json!({ "tls": tls })).start().await
    }
}

/// A command at the host that runs on the folder's data, with these options.
async fn at(host: &TestHost, options: &[&str]) -> Ended {
    let mut arguments = vec!["--config", "orgata.yaml", "--data", "data", "exec", "list"];
    arguments.extend(options);
    orgata(host.folder(), &arguments, "").await
}

#[tokio::test]
async fn certificates_to_try_are_for_their_owner_and_never_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let said = orgata(folder.path(), &["dev-cert"], "").await.succeeded();
    assert!(said.contains("tls: {") && said.contains("--cacert"), "it says how to go on:\n{said}");
    let mode = |name: &str| mode_of(&folder.path().join("certificates").join(name));
    assert_eq!((mode("server.key"), mode("client.pem")), (0o600, 0o600));
    let before = std::fs::read(folder.path().join("certificates/server.key")).unwrap();
    let told = orgata(folder.path(), &["dev-cert"], "").await.failed(1);
    assert!(told.contains("remove the old one"), "{told}");
    assert_eq!(std::fs::read(folder.path().join("certificates/server.key")).unwrap(), before);
    let told = orgata(folder.path(), &["dev-cert", "--out", "x", "--name", "näme"], "").await.failed(1);
    assert!(told.contains("not a name of a host"), "{told}");
}

fn mode_of(file: &Path) -> u32 {
    std::fs::metadata(file).unwrap().permissions().mode() & 0o777
}

#[tokio::test]
async fn the_command_line_finds_a_host_with_tls_and_trusts_whom_it_is_told_to() {
    let certificates = Certificates::new().await;
    let host = certificates.host(json!({})).await;
    assert!(host.address().starts_with("https://"), "{}", host.address());
    let _ = at(&host, &["--ca", &certificates.path("authority.pem")]).await.succeeded();
    let told = at(&host, &[]).await.failed(5);
    assert!(told.contains("--ca FILE"), "it says what to do:\n{told}");
    // Commands that could start a host for themselves do not start a second one beside it.
    let told = orgata(host.folder(), &["--data", "data", "run", "pbj-sandwich"], "").await.failed(5);
    assert!(told.contains("--ca FILE"), "{told}");
    host.stop().await;
}

#[tokio::test]
async fn a_host_that_wants_certificates_talks_to_those_who_show_one() {
    let certificates = Certificates::new().await;
    let (authority, client) = (certificates.path("authority.pem"), certificates.path("client.pem"));
    let host =
        certificates.host(json!({ "clientAuthorities": authority, "clientCertificates": "required" })).await;
    let _ = at(&host, &["--ca", &authority, "--identity", &client]).await.succeeded();
    let told = at(&host, &["--ca", &authority]).await.failed(5);
    assert!(told.contains("--identity FILE"), "{told}");
    host.stop().await;
}

#[tokio::test]
async fn a_host_does_not_start_where_it_would_talk_in_plain_text_with_other_machines() {
    let place = HostSetup::kitchen().start().await.stop().await;
    let serve = ["serve", "--listen", "0.0.0.0:0", "--data", "data", "--config", "orgata.yaml"];
    let told = orgata(place.folder(), &serve, "").await.failed(1);
    assert!(told.contains("can be reached from other machines"), "{told}");
}

#[tokio::test]
async fn a_key_that_is_another_certificates_stops_the_start() {
    let (certificates, others) = (Certificates::new().await, Certificates::new().await);
    let place = HostSetup::kitchen().start().await.stop().await;
    let tls = json!({ "tls": { "certificate": certificates.path("server.pem"), "key": others.path("server.key") } });
    std::fs::write(place.folder().join("tls.yaml"), tls.to_string()).unwrap();
    let serve = ["serve", "--listen", "127.0.0.1:0", "--data", "data", "--config", "tls.yaml"];
    let told = orgata(place.folder(), &serve, "").await.failed(1);
    assert!(told.contains("tls.key") && told.contains("is not the key of the certificate"), "{told}");
}

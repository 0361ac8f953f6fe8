//! What OpenSSL's own client can agree on with a host: the usual questions of those who test TLS servers.
//!
//! Without the program there is nothing to ask; the tests say so.

use std::process::Stdio;

use orgata_tests::TestHost;
use orgata_tests::patience;
use serde_json::json;
use tokio::process::Command;

use crate::Certificates;

/// What `openssl s_client` says of a connection with these options; none where there is no such program.
async fn asked(host: &TestHost, certificates: &Certificates, options: &[&str]) -> Option<(bool, String)> {
    let authority = host.address().trim_start_matches("https://");
    let mut command = Command::new("openssl");
    command.args([
        "s_client",
        "-connect",
        authority,
        "-verify_return_error",
        "-verify_hostname",
        "localhost",
    ]);
    command.args(["-CAfile", &certificates.path("authority.pem")]).args(options);
    command.stdin(Stdio::null()).kill_on_drop(true);
    let ended = patience::within(command.output()).await.expect("openssl ends");
    let Ok(output) = ended else {
        eprintln!("openssl is not here: its client is not asked");
        return None;
    };
    let said =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    Some((output.status.success(), said))
}

#[tokio::test]
async fn a_foreign_client_agrees_on_the_newest_version_and_on_nothing_that_is_weak() {
    let certificates = Certificates::new().await;
    let host = certificates.host(json!({})).await;
    let Some((agreed, said)) = asked(&host, &certificates, &["-tls1_3"]).await else { return };
    assert!(agreed && said.contains("Verify return code: 0 (ok)"), "{said}");
    for part in ["TLSv1.3", "Compression: NONE", "Early data was not sent", "No ALPN negotiated"] {
        assert!(said.contains(part), "{part} is missing:\n{said}");
    }
    for old in [&["-tls1_2"][..], &["-tls1_1"], &["-tls1"], &["-tls1_2", "-cipher", "ALL:@SECLEVEL=0"]] {
        let (agreed, said) = asked(&host, &certificates, old).await.unwrap();
        assert!(!agreed, "{old:?}:\n{said}");
    }
    let (agreed, said) = asked(&host, &certificates, &["-alpn", "h2,http/1.1"]).await.unwrap();
    assert!(agreed && said.contains("ALPN protocol: http/1.1"), "{said}");
    // A protocol that is not spoken here is not taken for HTTP: one of the ways across protocols (ALPACA).
    let (agreed, said) = asked(&host, &certificates, &["-alpn", "smtp"]).await.unwrap();
    assert!(!agreed, "{said}");
    host.stop().await;
}

#[tokio::test]
async fn a_foreign_client_that_trusts_somebody_else_goes_away() {
    let (certificates, others) = (Certificates::new().await, Certificates::new().await);
    let host = certificates.host(json!({})).await;
    let Some((agreed, said)) = asked(&host, &others, &["-tls1_3"]).await else { return };
    assert!(!agreed && said.contains("verify error"), "{said}");
    host.stop().await;
}

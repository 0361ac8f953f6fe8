//! Clients that prove who they are with a certificate: a real handshake, and then a principal with its permissions.

use std::path::Path;
use std::sync::Arc;

use orgata_tests::patience;
use orgata_tests::{HostSetup, TestHost};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use ring::digest::{SHA256, digest};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer, ServerName};
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, RootCertStore};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::ASK;

/// Issues certificates.
struct Authority(CertifiedIssuer<'static, KeyPair>);

/// What somebody shows.
struct Certificate {
    certificate: rcgen::Certificate,
    key: KeyPair,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    fn issue(&self, name: &str) -> Certificate {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new([name.to_owned()]).unwrap();
        Certificate { certificate: params.signed_by(&key, &self.0).unwrap(), key }
    }

    /// A client that believes it, and shows this.
    fn client(&self, shows: Option<&Certificate>) -> TlsConnector {
        match shows {
            None => Arc::new(self.believing().with_no_client_auth()).into(),
            Some(own) => self.client_with(own, &own.key),
        }
    }

    /// The same with this key, whether or not it is the certificate's own.
    fn client_with(&self, shows: &Certificate, key: &KeyPair) -> TlsConnector {
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let signer = rustls::crypto::ring::sign::any_supported_type(&key).unwrap();
        let shown = CertifiedKey::new(vec![shows.certificate.der().clone()], signer);
        Arc::new(self.believing().with_client_cert_resolver(Arc::new(Always(Arc::new(shown))))).into()
    }

    fn believing(&self) -> rustls::ConfigBuilder<ClientConfig, rustls::client::WantsClientCert> {
        let mut roots = RootCertStore::empty();
        roots.add(self.0.der().clone()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        builder.unwrap().with_root_certificates(roots)
    }
}

impl Certificate {
    /// As the configuration names it, and as OpenSSL prints it.
    fn fingerprint(&self) -> String {
        let bytes: Vec<_> =
            digest(&SHA256, self.certificate.der()).as_ref().iter().map(|it| format!("{it:02X}")).collect();
        bytes.join(":")
    }

    fn write(&self, folder: &Path) {
        std::fs::write(folder.join("server.pem"), self.certificate.pem()).unwrap();
        std::fs::write(folder.join("server.key"), self.key.serialize_pem()).unwrap();
    }
}

/// A host that wants certificates of this authority, and knows one holder: who may look at executions, and not start any.
async fn knowing(authority: &Authority, known: &Certificate, wants: &str) -> TestHost {
    let role = json!({ "looker": { "production": { "read": ["execution", "runtime", "audit"] } } });
    let setup = HostSetup::new().playbook("ask", ASK).runtime("desk", json!({ "environment": "production" }));
    let folder = setup.folder().to_owned();
    authority.issue("localhost").write(&folder);
    let setup = setup.file("authority.pem", &authority.0.pem()).config(json!({
        "tls": {
            "certificate": "server.pem", "key": "server.key",
            "clientAuthorities": "authority.pem", "clientCertificates": wants,
        },
        "authentication": { "required": true, "certificates": [
            { "sha256": known.fingerprint(), "name": "gateway", "environments": ["production"], "roles": ["looker"] },
        ]},
        "access": {
            "environments": { "production": { "read": [], "write": [] } },
            "roles": role,
        },
    }));
    setup.start().await
}

/// One request over a connection of its own: its status and its body, or why there was no connection to speak over.
async fn ask(host: &TestHost, client: &TlsConnector, request: &str) -> std::io::Result<(u16, Value)> {
    let authority = host.address().trim_start_matches("https://");
    let port = authority.rsplit(':').next().unwrap();
    let stream = TcpStream::connect(("127.0.0.1", port.parse().unwrap())).await?;
    let talking = async {
        let mut stream = client.connect(ServerName::try_from("localhost").unwrap(), stream).await?;
        stream.write_all(request.as_bytes()).await?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await?;
        Ok::<_, std::io::Error>(String::from_utf8_lossy(&answer).into_owned())
    };
    let answer = patience::within(talking).await.expect("the host answers, or hangs up")?;
    let status = answer.get(9..12).and_then(|text| text.parse().ok());
    let status = status.ok_or_else(|| std::io::Error::other(format!("no answer: {answer:?}")))?;
    let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    Ok((status, serde_json::from_str(body).unwrap_or_default()))
}

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
}

fn post(path: &str, body: &Value) -> String {
    let body = body.to_string();
    let head = format!(
        "host: localhost\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {}",
        body.len()
    );
    format!("POST {path} HTTP/1.1\r\n{head}\r\n\r\n{body}")
}

const LIST: &str = "/api/v1/executions";

#[tokio::test]
async fn whoever_shows_a_known_certificate_is_who_the_configuration_says_and_may_do_what_that_one_may() {
    let authority = Authority::new();
    let known = authority.issue("gateway.example.com");
    let host = knowing(&authority, &known, "required").await;
    let client = authority.client(Some(&known));
    assert_eq!(ask(&host, &client, &get(LIST)).await.unwrap().0, 200);
    let start = post("/api/v1/runtimes/desk/executions", &json!({ "playbookName": "ask", "input": {} }));
    let (status, refused) = ask(&host, &client, &start).await.unwrap();
    assert_eq!((status, refused["error"]["code"].as_str()), (403, Some("FORBIDDEN")), "{refused}");
    let told = refused["error"]["message"].as_str().unwrap();
    assert!(told.starts_with("gateway may not do this"), "{told}");
    let (status, lines) = ask(&host, &client, &get("/api/v1/audit?principal=gateway")).await.unwrap();
    assert_eq!(status, 200, "{lines}");
    let line = &lines["items"][0];
    assert_eq!(
        (&line["action"], &line["verdict"], &line["kind"]),
        (&json!("execution.start"), &json!("denied"), &json!("service"))
    );
}

#[tokio::test]
async fn a_certificate_that_nobody_mapped_proves_nothing() {
    let authority = Authority::new();
    let known = authority.issue("gateway.example.com");
    let host = knowing(&authority, &known, "required").await;
    // It has the same name, and another key: what is mapped is the certificate.
    let (status, refused) =
        ask(&host, &authority.client(Some(&authority.issue("gateway.example.com"))), &get(LIST))
            .await
            .unwrap();
    assert_eq!((status, refused["error"]["code"].as_str()), (401, Some("UNAUTHENTICATED")), "{refused}");
}

#[tokio::test]
async fn a_certificate_of_another_authority_and_none_are_not_talked_to() {
    let (authority, foreign) = (Authority::new(), Authority::new());
    let known = authority.issue("gateway.example.com");
    let host = knowing(&authority, &known, "required").await;
    let forged = foreign.issue("gateway.example.com");
    for (what, shows) in [("another authority's", Some(&forged)), ("none", None)] {
        let ended = ask(&host, &authority.client(shows), &get("/health")).await;
        assert!(ended.is_err(), "{what}: {ended:?}");
    }
    // Whoever shows the known certificate and has not its key proves nothing either.
    let ended = ask(&host, &authority.client_with(&known, &forged.key), &get("/health")).await;
    assert!(ended.is_err(), "a stolen certificate: {ended:?}");
    // The rightful holder goes on.
    assert_eq!(ask(&host, &authority.client(Some(&known)), &get(LIST)).await.unwrap().0, 200);
}

#[tokio::test]
async fn where_certificates_are_optional_whoever_shows_none_proves_it_otherwise_or_not() {
    let authority = Authority::new();
    let known = authority.issue("gateway.example.com");
    let host = knowing(&authority, &known, "optional").await;
    assert_eq!(ask(&host, &authority.client(None), &get(LIST)).await.unwrap().0, 401);
    assert_eq!(ask(&host, &authority.client(Some(&known)), &get(LIST)).await.unwrap().0, 200);
    let foreign = Authority::new().issue("gateway.example.com");
    assert!(ask(&host, &authority.client(Some(&foreign)), &get(LIST)).await.is_err());
}

/// Shows the same certificate whatever is asked for, and whether or not the key is its own.
#[derive(Debug)]
struct Always(Arc<CertifiedKey>);

impl rustls::client::ResolvesClientCert for Always {
    fn resolve(&self, _: &[&[u8]], _: &[rustls::SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0))
    }

    fn has_certs(&self) -> bool {
        true
    }
}

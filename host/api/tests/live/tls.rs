//! TLS: what is spoken, who is believed, and certificates that are replaced.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use orgata_api::{ClientCertificates, Settings, Tls, TlsSettings};
use orgata_model::duration::DurationText;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use rustls::version::{TLS12, TLS13};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::Served;
use crate::support::authority::Authority;

const ASK: &[u8] = b"GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n";
const ANSWER: &str = "{\"status\":\"ok\"}";

/// A host with a certificate of an authority of its own.
struct Place {
    folder: TempDir,
    authority: Authority,
    served: Served,
}

impl Place {
    async fn new(change: impl FnOnce(&mut TlsSettings)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let authority = Authority::new();
        authority.write(folder.path());
        let mut tls = authority.issue("localhost").write(folder.path());
        tls.check_every = DurationText(Duration::from_millis(20));
        change(&mut tls);
        let served = Served::secured(Settings::default(), tls).await;
        Self { folder, authority, served }
    }

    /// The same where clients show a certificate of the same authority.
    async fn asking(asks: ClientCertificates) -> Self {
        Self::new(|tls| {
            tls.client_certificates = asks;
            tls.client_authorities = Some(tls.certificate.with_file_name("authority.pem"));
        })
        .await
    }

    async fn connect(&self, client: Arc<ClientConfig>) -> io::Result<TlsStream<TcpStream>> {
        let stream = TcpStream::connect(&self.served.address).await?;
        let name = ServerName::try_from("localhost").unwrap();
        TlsConnector::from(client).connect(name, stream).await
    }

    /// What a client is answered. With TLS 1.3 it hears of a refusal when it reads.
    async fn ask(&self, client: Arc<ClientConfig>) -> io::Result<String> {
        ask(&mut self.connect(client).await?).await
    }
}

async fn ask(stream: &mut TlsStream<TcpStream>) -> io::Result<String> {
    stream.write_all(ASK).await?;
    let mut answer = Vec::new();
    while !answer.ends_with(ANSWER.as_bytes()) {
        answer.push(stream.read_u8().await?);
    }
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

#[tokio::test]
async fn the_newest_version_is_spoken_and_no_older_one() {
    let place = Place::new(|_| {}).await;
    let client = place.authority.client(&[&TLS13], None);
    let mut stream = place.connect(Arc::clone(&client)).await.unwrap();
    assert!(ask(&mut stream).await.unwrap().starts_with("HTTP/1.1 200"));
    let (_, connection) = stream.get_ref();
    assert_eq!(connection.protocol_version(), Some(rustls::ProtocolVersion::TLSv1_3));
    assert!(place.ask(place.authority.client(&[&TLS12], None)).await.is_err());
    assert!(place.ask(place.authority.client(&[&TLS12, &TLS13], None)).await.is_ok());
    // Who speaks no TLS at all is told nothing that HTTP would say.
    let answer = place.served.raw(ASK).await;
    assert!(!answer.contains("HTTP/1.1"), "{answer}");
}

#[tokio::test]
async fn a_client_that_trusts_somebody_else_goes_away() {
    let place = Place::new(|_| {}).await;
    let error = place.ask(Authority::new().client(&[&TLS13], None)).await.unwrap_err();
    assert!(error.to_string().contains("invalid peer certificate"), "{error}");
}

#[tokio::test]
async fn who_must_prove_something_and_cannot_is_not_talked_to() {
    let place = Place::asking(ClientCertificates::Required).await;
    let (ours, theirs) = (place.authority.issue("robot"), Authority::new().issue("robot"));
    let client = |shows| place.authority.client(&[&TLS13], shows);
    assert!(place.ask(client(Some(&ours))).await.is_ok());
    assert!(place.ask(client(None)).await.is_err(), "it shows nothing");
    assert!(place.ask(client(Some(&theirs))).await.is_err(), "nobody knows who issued it");

    let place = Place::asking(ClientCertificates::Optional).await;
    let (ours, theirs) = (place.authority.issue("robot"), Authority::new().issue("robot"));
    let client = |shows| place.authority.client(&[&TLS13], shows);
    assert!(place.ask(client(Some(&ours))).await.is_ok());
    assert!(place.ask(client(None)).await.is_ok(), "it need not show any");
    assert!(place.ask(client(Some(&theirs))).await.is_err(), "but what it shows must be good");
}

#[tokio::test]
async fn a_certificate_is_replaced_and_open_connections_live_on() {
    let place = Place::new(|_| {}).await;
    let client = || place.authority.client(&[&TLS13], None);
    let shown = |stream: &TlsStream<TcpStream>| stream.get_ref().1.peer_certificates().unwrap()[0].clone();
    let mut old = place.connect(client()).await.unwrap();
    let first = shown(&old);
    ask(&mut old).await.unwrap();

    let next = place.authority.issue("localhost");
    // The certificate alone does not fit to the key that is there: the one before stays.
    next.write_certificate(place.folder.path());
    for _ in 0..20 {
        assert_eq!(shown(&place.connect(client()).await.unwrap()), first);
    }
    next.write(place.folder.path());
    let replaced = async {
        loop {
            let mut new = place.connect(client()).await.unwrap();
            if shown(&new) == *next.certificate.der() {
                return ask(&mut new).await.unwrap();
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(20), replaced).await.expect("the new one is shown in the end");
    assert!(ask(&mut old).await.unwrap().starts_with("HTTP/1.1 200"), "the open one lives on");
}

#[tokio::test]
async fn whoever_is_slow_to_agree_on_keys_holds_up_nobody() {
    let place = Place::new(|tls| tls.handshake_timeout = DurationText(Duration::from_millis(300))).await;
    let mut silent = Vec::new();
    for _ in 0..20 {
        silent.push(TcpStream::connect(&place.served.address).await.unwrap());
    }
    assert!(place.ask(place.authority.client(&[&TLS13], None)).await.is_ok());
    for mut stream in silent {
        let mut rest = Vec::new();
        let closed = tokio::time::timeout(Duration::from_secs(20), stream.read_to_end(&mut rest)).await;
        assert!(closed.is_ok(), "it was kept");
    }
}

#[tokio::test]
async fn files_that_cannot_be_used_are_named_with_what_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new();
    let good = authority.issue("localhost").write(folder.path());
    let other = tempfile::tempdir().unwrap();
    let foreign = authority.issue("localhost").write(other.path());
    let words = folder.path().join("words.pem");
    std::fs::write(&words, "just words\n").unwrap();
    let with = |change: &dyn Fn(&mut TlsSettings)| {
        let mut settings = good.clone();
        change(&mut settings);
        settings
    };
    for (settings, says) in [
        (with(&|tls| tls.certificate = "gone.pem".into()), "tls.certificate: gone.pem cannot be read"),
        (with(&|tls| tls.certificate.clone_from(&words)), "holds no certificate"),
        (with(&|tls| tls.key.clone_from(&words)), "holds no key"),
        (with(&|tls| tls.key.clone_from(&foreign.key)), "is not the key of the certificate in"),
        (with(&|tls| tls.client_authorities = Some(words.clone())), "tls.clientAuthorities: "),
    ] {
        let error = Tls::open(settings).await.err().expect("it is refused").to_string();
        assert!(error.contains(says), "{says} is missing: {error}");
    }
    assert!(Tls::open(good).await.is_ok());
}

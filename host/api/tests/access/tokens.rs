//! Tokens, and the ways in which people forge them.

use std::path::Path;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use orgata_api::{AuthSettings, ClaimNames, JwtSettings, KeysSettings, OneOrMore, SecretSettings};
use orgata_engine::PrincipalKind;
use orgata_model::duration::DurationText;
use orgata_model::runtime::Environment;
use ring::hmac;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{Answer, Host};
use crate::world::guarded;

const SECRET: &str = "0123456789abcdef0123456789abcdef";

/// Whoever issues tokens: its keys, and the file that it publishes.
struct Issuer {
    ed: Ed25519KeyPair,
    ec: EcdsaKeyPair,
    folder: TempDir,
}

fn part(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

impl Issuer {
    fn new() -> Self {
        let issuer = Self { ed: ed(), ec: ec(), folder: tempfile::tempdir().unwrap() };
        issuer.publish(&["ed", "ec"]);
        issuer
    }

    fn file(&self) -> std::path::PathBuf {
        self.folder.path().join("keys.json")
    }

    fn jwk(&self, id: &str) -> Value {
        match id {
            "ed" => json!({ "kty": "OKP", "crv": "Ed25519", "kid": "ed", "use": "sig",
                "x": URL_SAFE_NO_PAD.encode(self.ed.public_key()) }),
            _ => {
                let point = &self.ec.public_key().as_ref()[1..];
                json!({ "kty": "EC", "crv": "P-256", "kid": "ec", "use": "sig",
                    "x": URL_SAFE_NO_PAD.encode(&point[..32]), "y": URL_SAFE_NO_PAD.encode(&point[32..]) })
            }
        }
    }

    /// Writes the set anew, and sees to it that its time is another one.
    fn publish(&self, ids: &[&str]) {
        let keys: Vec<Value> = ids.iter().map(|id| self.jwk(id)).collect();
        let before = changed(&self.file());
        loop {
            std::fs::write(self.file(), json!({ "keys": keys }).to_string()).unwrap();
            if changed(&self.file()) != before {
                return;
            }
        }
    }

    fn sign(&self, header: Value, claims: &Value) -> String {
        let message = format!("{}.{}", part(&header), part(claims));
        let signature = match header["alg"].as_str().unwrap() {
            "EdDSA" => self.ed.sign(message.as_bytes()).as_ref().to_vec(),
            "ES256" => self.ec.sign(&SystemRandom::new(), message.as_bytes()).unwrap().as_ref().to_vec(),
            _ => Vec::new(),
        };
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    fn token(&self, claims: &Value) -> String {
        self.sign(json!({ "alg": "EdDSA", "kid": "ed", "typ": "JWT" }), claims)
    }

    fn settings(&self) -> JwtSettings {
        JwtSettings { keys: Some(KeysSettings { file: Some(self.file()), url: None }), ..bare() }
    }
}

fn ed() -> Ed25519KeyPair {
    let document = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
    Ed25519KeyPair::from_pkcs8(document.as_ref()).unwrap()
}

fn ec() -> EcdsaKeyPair {
    let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
    let document = EcdsaKeyPair::generate_pkcs8(algorithm, &SystemRandom::new()).unwrap();
    EcdsaKeyPair::from_pkcs8(algorithm, document.as_ref(), &SystemRandom::new()).unwrap()
}

fn changed(file: &Path) -> Option<std::time::SystemTime> {
    std::fs::metadata(file).and_then(|file| file.modified()).ok()
}

fn bare() -> JwtSettings {
    JwtSettings {
        issuer: "https://id.example.com".to_owned(),
        audience: OneOrMore::One("orgata".to_owned()),
        keys: None,
        secret: None,
        algorithms: Vec::new(),
        claims: ClaimNames::default(),
        kind: PrincipalKind::User,
        environments: [Environment::Development].into(),
        roles: Default::default(),
        leeway: DurationText(Duration::ZERO),
        refresh: DurationText(Duration::from_mins(10)),
    }
}

fn now() -> u64 {
    std::time::UNIX_EPOCH.elapsed().unwrap().as_secs()
}

/// What a good token says.
fn claims() -> Value {
    json!({ "iss": "https://id.example.com", "aud": "orgata", "sub": "ann", "exp": now() + 3600, "nbf": now() - 10 })
}

fn with(name: &str, value: Value) -> Value {
    let mut claims = claims();
    claims[name] = value;
    claims
}

async fn host(jwt: JwtSettings) -> Host {
    let mut host = Host::new().await;
    host.router = guarded(&host.engine, &AuthSettings { jwt: Some(jwt), ..AuthSettings::default() }).await;
    host
}

async fn ask(host: &Host, token: &str) -> Answer {
    let request = crate::support::request("GET", "/api/v1/runtimes/kitchen-v1");
    let request = request.header("authorization", format!("Bearer {token}"));
    host.ask(request.body(axum::body::Body::empty()).unwrap()).await
}

/// The same at the endpoint of MCP.
async fn ask_mcp(host: &Host, token: &str) -> Answer {
    let opening = json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
        "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": { "name": "bare", "version": "1" },
    }});
    let request = crate::support::request("POST", "/mcp")
        .header("authorization", format!("Bearer {token}"))
        .header("content-type", "application/json")
        .header("accept", "application/json, text/event-stream");
    host.ask(request.body(axum::body::Body::from(opening.to_string())).unwrap()).await
}

async fn is_refused(host: &Host, token: &str, why: &str) {
    for answer in [ask(host, token).await, ask_mcp(host, token).await] {
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (401, "UNAUTHENTICATED"), "{why}");
        assert!(!answer.text.contains("ann"), "nothing of the token is told: {}", answer.text);
        let how = answer.headers["www-authenticate"].to_str().unwrap();
        assert!(how.contains("resource_metadata="), "{how}");
    }
}

#[tokio::test]
async fn a_token_of_whoever_the_operator_named_is_believed() {
    let issuer = Issuer::new();
    let host = host(issuer.settings()).await;
    assert_eq!(ask(&host, &issuer.token(&claims())).await.status, 200);
    assert_eq!(ask_mcp(&host, &issuer.token(&claims())).await.status, 200);
    let ec = issuer.sign(json!({ "alg": "ES256", "kid": "ec" }), &claims());
    assert_eq!(ask(&host, &ec).await.status, 200);
    let unnamed = issuer.sign(json!({ "alg": "ES256" }), &claims());
    assert_eq!(ask(&host, &unnamed).await.status, 200, "a key need not be named");
    assert_eq!(ask(&host, &issuer.token(&with("aud", json!(["others", "orgata"])))).await.status, 200);
}

#[tokio::test]
async fn a_token_without_a_signature_is_none() {
    let issuer = Issuer::new();
    let host = host(issuer.settings()).await;
    for none in ["none", "None", "NONE", ""] {
        let token = format!("{}.{}.", part(&json!({ "alg": none, "kid": "ed" })), part(&claims()));
        is_refused(&host, &token, none).await;
    }
    let good = issuer.token(&claims());
    let (message, signature) = good.rsplit_once('.').unwrap();
    is_refused(&host, &format!("{message}."), "no signature").await;
    is_refused(&host, message, "two parts").await;
    let (header, _) = message.split_once('.').unwrap();
    let other = part(&with("sub", json!("root")));
    is_refused(&host, &format!("{header}.{other}.{signature}"), "other claims under a good signature").await;
    is_refused(&host, &"a".repeat(20_000), "too long").await;
}

#[tokio::test]
async fn a_public_key_is_not_taken_for_a_secret() {
    let issuer = Issuer::new();
    let host = host(issuer.settings()).await;
    let published = std::fs::read(issuer.file()).unwrap();
    let key = issuer.ed.public_key().as_ref().to_vec();
    let point = issuer.ec.public_key().as_ref().to_vec();
    for secret in [key, point, published] {
        for id in ["ed", "ec"] {
            let message = format!("{}.{}", part(&json!({ "alg": "HS256", "kid": id })), part(&claims()));
            let signature = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &secret), message.as_bytes());
            is_refused(&host, &format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature)), "key confusion")
                .await;
        }
    }
    // Nor is a key that a token brings itself, or the place where it says that keys are.
    let own = Issuer::new();
    let header = json!({ "alg": "EdDSA", "jwk": own.jwk("ed"), "jku": "https://evil.example/keys" });
    is_refused(&host, &own.sign(header, &claims()), "its own key").await;
    is_refused(&host, &own.token(&claims()), "another key of the same name").await;
    let crit = json!({ "alg": "EdDSA", "kid": "ed", "crit": ["x"], "x": 1 });
    is_refused(&host, &issuer.sign(crit, &claims()), "it must be understood in a way of its own").await;
}

#[tokio::test]
async fn whose_a_token_is_for_whom_and_when_is_checked() {
    let issuer = Issuer::new();
    let host = host(issuer.settings()).await;
    for (name, value) in [
        ("exp", json!(now() - 60)),
        ("exp", Value::Null),
        ("exp", json!("soon")),
        ("nbf", json!(now() + 60)),
        ("aud", json!("others")),
        ("aud", json!([])),
        ("aud", Value::Null),
        ("iss", json!("https://evil.example")),
        ("iss", json!("https://id.example.com/")),
        ("iss", Value::Null),
        ("sub", json!("")),
        ("sub", json!("ann\nroot")),
        ("sub", Value::Null),
        ("orgata_kind", json!("god")),
        ("orgata_environments", json!(["everywhere"])),
    ] {
        let mut claims = with(name, value.clone());
        if value.is_null() {
            claims.as_object_mut().unwrap().remove(name);
        }
        is_refused(&host, &issuer.token(&claims), &format!("{name}: {value}")).await;
    }
}

#[tokio::test]
async fn a_token_says_who_somebody_is_and_where_it_may_be() {
    let issuer = Issuer::new();
    let claims = ClaimNames { scopes: Some("scope".to_owned()), ..ClaimNames::default() };
    let host = host(JwtSettings { claims, ..issuer.settings() }).await;
    let scoped = |scope: &str| with("scope", json!(scope));
    assert_eq!(ask(&host, &issuer.token(&scoped("openid runtime:read"))).await.status, 200);
    // It is in the environment, and its token is for something else there.
    assert_eq!(ask(&host, &issuer.token(&scoped("openid execution:read"))).await.status, 403);
    assert_eq!(ask(&host, &issuer.token(&scoped("openid"))).await.status, 404);
    let mut elsewhere = scoped("runtime:read");
    elsewhere["orgata_environments"] = json!(["production"]);
    assert_eq!(ask(&host, &issuer.token(&elsewhere)).await.status, 404);
}

#[tokio::test]
async fn a_secret_is_shared_with_one_issuer() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("secret");
    std::fs::write(&file, format!("{SECRET}\n")).unwrap();
    let settings =
        JwtSettings { secret: Some(SecretSettings { env: None, file: Some(file.clone()) }), ..bare() };
    let host = host(settings.clone()).await;
    let signed = |secret: &str, algorithm: &str| {
        let message = format!("{}.{}", part(&json!({ "alg": algorithm })), part(&claims()));
        let signature = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()), message.as_bytes());
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
    };
    assert_eq!(ask(&host, &signed(SECRET, "HS256")).await.status, 200);
    is_refused(&host, &signed("0123456789abcdef0123456789abcdeX", "HS256"), "another secret").await;
    is_refused(&host, &signed(SECRET, "HS512"), "another algorithm").await;
    is_refused(&host, &signed(SECRET, "EdDSA"), "a public algorithm").await;
    std::fs::write(&file, "short").unwrap();
    let jwt = Some(settings);
    let opened =
        orgata_api::Authenticator::on_loopback(&AuthSettings { jwt, ..AuthSettings::default() }).await;
    assert!(opened.err().unwrap().contains("32"), "a short secret can be guessed");
}

#[tokio::test]
async fn keys_come_and_go_with_their_file() {
    let issuer = Issuer::new();
    issuer.publish(&["ec"]);
    let host = host(issuer.settings()).await;
    let token = issuer.token(&claims());
    is_refused(&host, &token, "its key is not published").await;
    issuer.publish(&["ec", "ed"]);
    assert_eq!(ask(&host, &token).await.status, 200);
    issuer.publish(&["ec"]);
    is_refused(&host, &token, "its key was withdrawn").await;
    std::fs::write(issuer.file(), "{").unwrap();
    let ec = issuer.sign(json!({ "alg": "ES256", "kid": "ec" }), &claims());
    assert_eq!(ask(&host, &ec).await.status, 200, "a broken file leaves the keys as they were");
}

#[tokio::test]
async fn keys_are_fetched_and_fetched_again_when_one_is_not_known() {
    let issuer = Issuer::new();
    issuer.publish(&["ec"]);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/keys", listener.local_addr().unwrap());
    let file = issuer.file();
    let asked = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let count = std::sync::Arc::clone(&asked);
    let serve = axum::Router::new().route(
        "/keys",
        axum::routing::get(move || {
            count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            let text = std::fs::read_to_string(&file).unwrap();
            async move { text }
        }),
    );
    tokio::spawn(async move { axum::serve(listener, serve).await });
    let settings = JwtSettings { keys: Some(KeysSettings { file: None, url: Some(url) }), ..bare() };
    let host = host(settings).await;
    let ec = issuer.sign(json!({ "alg": "ES256", "kid": "ec" }), &claims());
    assert_eq!(ask(&host, &ec).await.status, 200);
    issuer.publish(&["ec", "ed"]);
    assert_eq!(ask(&host, &issuer.token(&claims())).await.status, 200, "the keys were rotated");
    let before = asked.load(std::sync::atomic::Ordering::Relaxed);
    for strange in 0..20 {
        let token = issuer.sign(json!({ "alg": "ES256", "kid": format!("strange-{strange}") }), &claims());
        is_refused(&host, &token, "a key that nobody has").await;
    }
    assert_eq!(
        asked.load(std::sync::atomic::Ordering::Relaxed),
        before,
        "strangers do not make the host ask"
    );
}

//! What it costs to find out who calls, and whether they may: the same request for somebody who need prove nothing, who
//! brings a key, and who brings a token.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a benchmark that cannot go on should stop here"
)]

#[path = "../tests/support/mod.rs"]
mod support;

use axum::Router;
use axum::body::Body;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use criterion::{Criterion, criterion_group, criterion_main};
use http_body_util::BodyExt as _;
use orgata_api::{Api, AuthSettings, Authenticator, Settings};
use orgata_engine::access::NewKey;
use orgata_engine::{Identity, Principal, PrincipalKind, Reach};
use orgata_model::runtime::Environment;
use ring::rand::SystemRandom;
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use serde_json::json;
use support::Host;
use tower::Service as _;

/// Where the permission is looked up, and little else is done.
const PATH: &str = "/api/v1/runtimes/kitchen-v1/playbooks/none-such";

async fn routes(host: &Host, settings: AuthSettings) -> Router {
    let authenticator = Authenticator::on_loopback(&settings).await.unwrap();
    // A rate that counts nobody: a benchmark asks more often than anybody may.
    let settings: Settings = serde_json::from_value(json!({ "rate": { "requestsPerSecond": 0 } })).unwrap();
    Api::guarded(host.engine.clone(), settings, authenticator, None).router()
}

async fn key(host: &Host) -> String {
    let secret = "0".repeat(43);
    let identity = Identity {
        name: "ann".into(),
        kind: PrincipalKind::User,
        reach: Reach::Environments([Environment::Development].into()),
        roles: Default::default(),
        scopes: None,
    };
    let new = NewKey { hash: *blake3::hash(secret.as_bytes()).as_bytes(), identity, expires_at: None };
    let record = host.engine.create_key(&Principal::local(), new).await.unwrap();
    format!("orgata_{}_{secret}", record.id.uuid().simple())
}

/// A token, and the settings that believe it.
fn token(folder: &std::path::Path) -> (String, AuthSettings) {
    let document = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
    let pair = Ed25519KeyPair::from_pkcs8(document.as_ref()).unwrap();
    let file = folder.join("keys.json");
    let x = URL_SAFE_NO_PAD.encode(pair.public_key());
    let set = json!({ "keys": [{ "kty": "OKP", "crv": "Ed25519", "kid": "a", "x": x }] });
    std::fs::write(&file, set.to_string()).unwrap();
    let part = |value: serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let claims = json!({ "iss": "i", "aud": "a", "sub": "ann", "exp": 4_000_000_000_u64 });
    let message = format!("{}.{}", part(json!({ "alg": "EdDSA", "kid": "a" })), part(claims));
    let signature = URL_SAFE_NO_PAD.encode(pair.sign(message.as_bytes()));
    let settings = json!({ "jwt": { "issuer": "i", "audience": "a", "keys": { "file": file },
        "environments": ["development"] } });
    (format!("{message}.{signature}"), serde_json::from_value(settings).unwrap())
}

async fn ask(routes: &Router, bearer: Option<&str>) {
    let mut request = support::request("GET", PATH);
    if let Some(bearer) = bearer {
        request = request.header("authorization", format!("Bearer {bearer}"));
    }
    let answer = routes.clone().call(request.body(Body::empty()).unwrap()).await.unwrap();
    assert_eq!(answer.status(), 404);
    drop(answer.into_body().collect().await);
}

fn callers(c: &mut Criterion) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (host, key, token, nobody, by_key, by_token) = runtime.block_on(async {
        let host = Host::new().await;
        let key = key(&host).await;
        let (token, settings) = token(folder.path());
        let nobody = routes(&host, AuthSettings::default()).await;
        let by_key = routes(&host, AuthSettings { api_keys: Some(true), ..AuthSettings::default() }).await;
        let by_token = routes(&host, settings).await;
        (host, key, token, nobody, by_key, by_token)
    });
    let mut group = c.benchmark_group("request");
    group.bench_function("nobody asks", |b| b.to_async(&runtime).iter(|| ask(&nobody, None)));
    group.bench_function("key", |b| b.to_async(&runtime).iter(|| ask(&by_key, Some(&key))));
    group.bench_function("token (EdDSA)", |b| b.to_async(&runtime).iter(|| ask(&by_token, Some(&token))));
    group.finish();
    drop(host);
}

criterion_group!(benches, callers);
criterion_main!(benches);

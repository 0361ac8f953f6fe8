//! Secrets: given where they were granted, and never told.

use std::sync::Arc;

use orgata_engine::ports::{Operations as _, Session, SessionContext};
use orgata_engine::secrets::{SecretKey, SecretKeys, Vault};
use orgata_model::runtime::Grants;
use secrecy::SecretString;
use serde_json::json;

use crate::support::{Bench, context, done, failed};

const VALUE: &str = "hunter2-correct-horse";

fn session(bench: &Bench, granted: &[&str]) -> Box<dyn Session> {
    let key = SecretKey::parse(&"0123456789abcdef".repeat(4)).unwrap();
    let keys = SecretKeys { present: Some(key), ..SecretKeys::default() };
    let values = ["TOKEN", "OTHER"].map(|name| (name.parse().unwrap(), SecretString::from(VALUE)));
    let secrets = granted.iter().map(|name| name.parse().unwrap()).collect();
    let vault = Arc::new(Vault::holding(keys, values).unwrap());
    let bare = context(Grants { secrets, ..Grants::default() }, "observer");
    bench.sandbox.open(SessionContext { secrets: vault, ..bare })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_that_hands_its_secret_on_hands_on_its_name() {
    let bench = Bench::new().await;
    bench.load("odd-observer").await;
    let session = session(&bench, &["TOKEN"]);
    let seen = done(session.call(bench.call("observer/secret", json!("TOKEN"))).await);
    assert_eq!(seen, json!("[secret TOKEN]"));
}

#[tokio::test(flavor = "multi_thread")]
async fn another_name_is_denied_whether_there_is_such_a_secret_or_not() {
    let bench = Bench::new().await;
    bench.load("odd-observer").await;
    let session = session(&bench, &["TOKEN"]);
    let mut told = Vec::new();
    for name in ["OTHER", "NOSUCH"] {
        let failure = failed(session.call(bench.call("observer/secret", json!(name))).await);
        let text = format!("{failure:?}");
        assert!(text.contains("grant secrets: [") && !text.contains(VALUE), "{text}");
        told.push(text.replace(name, "X"));
    }
    assert_eq!(told[0], told[1], "nothing tells them apart");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_is_granted_and_not_set_says_what_to_do() {
    let bench = Bench::new().await;
    bench.load("odd-observer").await;
    let session = session(&bench, &["LATER"]);
    let failure = failed(session.call(bench.call("observer/secret", json!("LATER"))).await);
    assert!(format!("{failure:?}").contains("orgata secret set LATER"), "{failure:?}");
}

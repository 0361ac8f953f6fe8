//! Playbooks and runtimes.

use std::collections::BTreeMap;

use crate::samples::{Home, at, playbook, runtime};
use orgata_engine::ports::{ScheduleMark, Store as _};
use orgata_model::Digest;
use orgata_model::runtime::{Environment, Grants, Runtime};

#[tokio::test]
async fn the_last_published_version_is_the_current_one() {
    let home = Home::new();
    let store = home.open().await;
    let (old, mut new) = (playbook("kitchen", "toast", "steps: 1"), playbook("kitchen", "toast", "steps: 2"));
    new.version = "2.0.0".into();
    store.publish_playbook(&old).await.unwrap();
    store.publish_playbook(&new).await.unwrap();
    let soup = playbook("kitchen", "soup", "steps: 1");
    store.publish_playbook(&soup).await.unwrap();
    let elsewhere = playbook("bakery", "toast", "steps: 1");
    store.publish_playbook(&elsewhere).await.unwrap();

    let current = store.current_playbooks().await.unwrap();
    assert_eq!(current, [elsewhere.clone(), soup.clone(), new.clone()]);
    assert_eq!(store.playbook_source(old.digest).await.unwrap().as_deref(), Some("steps: 1"));
    assert_eq!(store.playbook_source(new.digest).await.unwrap().as_deref(), Some("steps: 2"));
    assert_eq!(store.playbook_source(Digest::of(b"other")).await.unwrap(), None);

    // Back to the old one: the same version, published again.
    let mut again = old.clone();
    again.published_at = at(77);
    store.publish_playbook(&again).await.unwrap();
    assert_eq!(store.current_playbooks().await.unwrap(), [elsewhere, soup, again]);
}

#[tokio::test]
async fn a_retired_playbook_keeps_its_source() {
    let home = Home::new();
    let store = home.open().await;
    let toast = playbook("kitchen", "toast", "steps: 1");
    store.publish_playbook(&toast).await.unwrap();
    assert!(!store.retire_playbook(&runtime("bakery"), &toast.name).await.unwrap());
    assert!(store.retire_playbook(&runtime("kitchen"), &toast.name).await.unwrap());
    assert!(!store.retire_playbook(&runtime("kitchen"), &toast.name).await.unwrap());
    assert_eq!(store.current_playbooks().await.unwrap(), []);
    assert_eq!(store.playbook_source(toast.digest).await.unwrap(), Some(toast.source));
}

#[tokio::test]
async fn a_runtime_is_kept_changed_and_removed_with_its_playbooks() {
    let home = Home::new();
    let store = home.open().await;
    let mut kitchen = Runtime::new(runtime("kitchen"), Environment::Production);
    let bakery = Runtime::new(runtime("bakery"), Environment::Development);
    store.put_runtime(&kitchen).await.unwrap();
    store.put_runtime(&bakery).await.unwrap();
    kitchen.description = Some("Where it is warm.".into());
    let network = Grants {
        network: vec!["api.example.com:443".into()],
        private_addresses: true,
        secrets: vec!["TWILIO_TOKEN".parse().unwrap()],
        kv: true,
        model: true,
    };
    let source = r#"{"provider":"scripted","answers":[{"content":"Warm."}]}"#;
    kitchen.model = Some(serde_json::from_str(source).unwrap());
    kitchen.grants = BTreeMap::from([("kitchen".parse().unwrap(), network)]);
    store.put_runtime(&kitchen).await.unwrap();
    assert_eq!(store.runtimes().await.unwrap(), [bakery.clone(), kitchen.clone()]);

    let kept = playbook("bakery", "bread", "steps: 1");
    store.publish_playbook(&kept).await.unwrap();
    store.publish_playbook(&playbook("kitchen", "toast", "steps: 1")).await.unwrap();
    assert!(store.remove_runtime(&kitchen.id).await.unwrap());
    assert!(!store.remove_runtime(&kitchen.id).await.unwrap());
    assert_eq!(store.runtimes().await.unwrap(), [bakery]);
    assert_eq!(store.current_playbooks().await.unwrap(), [kept]);
}

#[tokio::test]
async fn how_far_schedules_were_dealt_with_survives() {
    let home = Home::new();
    let store = home.open().await;
    assert_eq!(store.schedules().await.unwrap(), []);
    let mark = |runtime_name: &str, seen, queued: &[i64]| ScheduleMark {
        runtime: runtime(runtime_name),
        playbook: "toast".parse().unwrap(),
        seen: at(seen),
        queued: queued.iter().map(|micros| at(*micros)).collect(),
    };
    let (kitchen, bakery) = (mark("kitchen", 5, &[6, 7]), mark("bakery", 8, &[]));
    store.put_schedule(&mark("kitchen", 1, &[])).await.unwrap();
    store.put_schedule(&kitchen).await.unwrap();
    store.put_schedule(&bakery).await.unwrap();
    store.close().await.unwrap();
    assert_eq!(home.open().await.schedules().await.unwrap(), [bakery, kitchen]);
}

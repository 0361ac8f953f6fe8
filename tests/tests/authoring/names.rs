//! Drafts that meet what is current: nothing is replaced by chance.

use orgata_tests::drafts::Sources;
use orgata_tests::matchers::completed;
use serde_json::json;

use crate::{desk, doubling, plugin};

#[tokio::test]
async fn a_draft_takes_the_place_of_a_current_plugin_only_when_it_is_told_to() {
    let host = desk().await;
    let first = host.built(&doubling(&host).await).await;
    host.load(&first, json!({})).await.is(200);

    // Another plugin, of the same name by chance.
    let other = plugin("numbers", "", "return { tag: 'done', val: '{}' };");
    let second = host.built(&Sources::module(&other)).await;
    let known = host.validate(&second).await;
    let finding = |code: &str| known["findings"].as_array().unwrap().iter().find(|one| one["code"] == code);
    assert!(finding("NAME_CLASH").is_some(), "{known}");
    assert_eq!(known["change"]["removed"], json!(["double"]), "{known}");
    let broken = finding("BREAKS_PLAYBOOK").expect("a playbook uses what would be gone");
    assert!(broken["message"].as_str().unwrap().starts_with("desk/doubled:"), "{known}");
    let refused = host.load(&second, json!({})).await.refused(409, "STATE_CONFLICT");
    assert!(refused["message"].as_str().unwrap().contains("replace"), "{refused}");
    let id = host.begin("doubled", json!({ "n": 1 })).await;
    assert_eq!(host.until(&id, completed()).await, json!({ "twice": 2 }), "nothing was changed");

    let loaded = host.load(&second, json!({ "replace": true })).await.is(200);
    assert_eq!(loaded["change"]["removed"], json!(["double"]), "{loaded}");
    let back = host.rollback("numbers", None).await.is(200);
    assert_eq!(back["digest"], json!(first), "an upload can be undone, and so can this");
}

#[tokio::test]
async fn the_next_version_says_what_is_another_thing() {
    let host = desk().await;
    let sources = doubling(&host).await;
    let first = host.built(&sources).await;
    host.load(&first, json!({})).await.is(200);
    let again = host.build(&sources).await.is(201);
    let text =
        sources.text("numbers.js").replace("0.1.0", "0.2.0").replace("Doubles a number.", "Twice a number.");
    let next = host.built(&sources.with("numbers.js", &text)).await;
    let loaded = host.load(&next, json!({ "replace": true })).await.is(200);
    assert_eq!(
        loaded["change"]["changed"],
        json!([{ "name": "double", "what": ["description"] }]),
        "{loaded}"
    );
    assert_eq!(loaded["plugin"]["version"], "0.2.0", "{loaded}");
    println!("the same sources give the same component: {}", again["digest"] == json!(first));
}

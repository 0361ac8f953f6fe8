//! Notices of changes, in both revisions.

use orgata_tests::matchers::{asked, completed};
use orgata_tests::{HostSetup, TestHost};
use rmcp::model::*;
use serde_json::json;

use crate::assistant::Told;
use crate::{Assistant, Era};

const HELLO: &str = "name: hello\nsteps:\n  - { name: a, operation: bench/noop }\n";

#[tokio::test]
#[allow(deprecated, reason = "it is how the older revision does it")]
async fn a_session_hears_of_what_it_follows() {
    let host = TestHost::kitchen().await;
    let mut assistant = Assistant::plain(&host, Era::Sessions).await;
    let id = host.begin("pbj-sandwich", json!({ "sandwichType": "classic" })).await;
    let other = host.begin("pbj-sandwich", json!({ "sandwichType": "classic" })).await;
    let question = host.until(&id, asked("choose-jelly")).await;
    host.until(&other, asked("choose-jelly")).await;
    let uri = format!("orgata://execution/{id}");
    assistant.client.subscribe(SubscribeRequestParams::new(&uri)).await.unwrap();
    host.control(&other, "pause", "not followed").await.is(200);
    host.answer(&id, &question, json!({ "jelly_flavor": "grape" })).await.accepted();
    let told = assistant.until(|told| matches!(told, Told::Updated(_))).await;
    assert_eq!(told, Told::Updated(uri.clone()));
    host.until(&id, completed()).await;

    assistant.client.unsubscribe(UnsubscribeRequestParams::new(&uri)).await.unwrap();
    let nowhere = SubscribeRequestParams::new("orgata://execution/exec_00000000000000000000000000000000");
    assistant.client.subscribe(nowhere).await.expect_err("what is not there cannot be followed");
}

#[tokio::test]
#[allow(deprecated, reason = "it is how the older revision does it")]
async fn a_session_hears_when_the_list_changes() {
    let host = HostSetup::new().plugin("bench").runtime("desk", json!({})).start().await;
    let mut assistant = Assistant::plain(&host, Era::Sessions).await;
    // Whoever follows something hears of everything from then on.
    assistant.client.subscribe(SubscribeRequestParams::new("orgata://runtime/desk")).await.unwrap();
    let publish = async |name: &str| {
        let yaml = HELLO.replace("hello", name);
        let path = format!("/api/v1/runtimes/desk/playbooks/{name}");
        host.put(&path, json!({ "source": yaml })).await.accepted();
    };
    publish("one").await;
    assert_eq!(assistant.until(|told| *told == Told::List).await, Told::List);
    host.plugins().put("counter", "counter");
    assert_eq!(assistant.until(|told| *told == Told::List).await, Told::List);
}

#[tokio::test]
async fn a_stream_hears_of_what_it_asked_for_and_of_nothing_else() {
    let host = TestHost::kitchen().await;
    let assistant = Assistant::plain(&host, Era::Stateless).await;
    let id = host.begin("pbj-sandwich", json!({ "sandwichType": "classic" })).await;
    let question = host.until(&id, asked("choose-jelly")).await;
    let uri = format!("orgata://execution/{id}");
    let filter = SubscriptionFilter::builder()
        .resource_subscriptions([uri.as_str(), "file:///etc/passwd"])
        .tools_list_changed()
        .build();
    let mut stream = assistant.client.listen(filter).await.unwrap();
    let accepted = stream.acknowledged().clone();
    assert_eq!(accepted.resource_subscriptions, Some(vec![uri.clone()]));
    assert_ne!(accepted.tools_list_changed, Some(true), "tools never change");
    host.answer(&id, &question, json!({ "jelly_flavor": "grape" })).await.accepted();
    match orgata_tests::patience::within(stream.next()).await.unwrap().unwrap() {
        Some(ServerNotification::ResourceUpdatedNotification(update)) => assert_eq!(update.params.uri, uri),
        other => panic!("{other:?}"),
    }
    stream.cancel().await.unwrap();
}

#[tokio::test]
#[allow(deprecated, reason = "it is how the older revision does it")]
async fn a_session_follows_only_so_much() {
    let host = HostSetup::kitchen().config(json!({ "api": { "mcp": { "subscriptions": 1 } } })).start().await;
    let assistant = Assistant::plain(&host, Era::Sessions).await;
    let follow = |uri: &str| assistant.client.subscribe(SubscribeRequestParams::new(uri));
    follow("orgata://runtime/kitchen-v1").await.unwrap();
    follow("orgata://runtime/kitchen-v1").await.expect("the same again is no more");
    let refused = follow("orgata://role/kitchen-v1/chef").await.unwrap_err().to_string();
    assert!(refused.contains("follow one less first"), "{refused}");
}

#[tokio::test]
async fn open_sessions_and_streams_do_not_hold_up_the_end_of_the_host() {
    // Longer than anybody waits here: whatever stays open is noticed.
    let host = HostSetup::kitchen().config(json!({ "api": { "grace": "10m" } })).start().await;
    let listener = Assistant::plain(&host, Era::Stateless).await;
    let filter = SubscriptionFilter::builder().resources_list_changed().build();
    let _stream = listener.client.listen(filter).await.unwrap();
    let _session = Assistant::plain(&host, Era::Sessions).await;
    host.stop().await;
}

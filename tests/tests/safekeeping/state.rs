//! State that a plugin keeps: its own, in each runtime, and there after a power cut.

use serde_json::{Value, json};

use crate::{pond, run};

async fn counted(host: &orgata_tests::TestHost, runtime: &str) -> Value {
    run(host, runtime, "angler-count", json!({})).await
}

#[tokio::test]
async fn a_counter_goes_on_where_it_was_when_the_power_went() {
    let host = pond().start().await;
    for expected in 1..=3 {
        assert_eq!(counted(&host, "pond").await["output"], expected);
    }
    let host = host.kill_and_restart().await;
    assert_eq!(counted(&host, "pond").await["output"], 4);
}

#[tokio::test]
async fn many_at_once_count_each_once() {
    let host = pond().start().await;
    let all = futures_util::future::join_all((0..20).map(|_| counted(&host, "pond"))).await;
    let mut counts: Vec<_> = all.iter().map(|execution| execution["output"].as_u64().unwrap()).collect();
    counts.sort_unstable();
    assert_eq!(counts, (1..=20).collect::<Vec<_>>());
}

#[tokio::test]
async fn without_the_grant_nothing_is_kept() {
    let host = pond().start().await;
    let refused = counted(&host, "dry").await;
    assert!(refused.to_string().contains("grant kv: true to plugin angler in runtime dry"), "{refused}");
}

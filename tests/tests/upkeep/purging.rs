//! Deleting what has ended: by itself when its time is over, and when somebody says so.

use orgata_tests::patience;
use serde_json::json;

use crate::{ended, ids, setup, waiting};

#[tokio::test]
async fn what_has_ended_goes_by_itself_and_what_waits_stays_for_as_long_as_it_likes() {
    let retention =
        json!({ "engine": { "retention": "1s", "retentionByRuntime": { "archive": "forever" } } });
    let host = setup().runtime("archive", json!({})).config(retention).start().await;
    let open = waiting(&host).await;
    let (short, long) = (ended(&host, "desk", "a").await, ended(&host, "archive", "a").await);
    let gone = patience::until(async || {
        let reply = host.get(&format!("/api/v1/executions/{short}")).await;
        (reply.status == 404).then_some(reply)
    });
    gone.await.expect("its time is over").refused(404, "EXECUTION_NOT_FOUND");
    let mut left = ids(&host, "").await;
    left.sort();
    assert_eq!(left, [open.0.clone(), long.0]);

    // It was deleted in the file too.
    let host = host.kill_and_restart().await;
    assert_eq!(ids(&host, "runtime=desk").await, [open.0]);
    assert_eq!(ids(&host, "label=team:a").await.len(), 1);
}

#[tokio::test]
async fn a_retention_that_cannot_be_meant_stops_the_host_from_starting() {
    for (wrong, told) in [("0s", "longer than nothing"), ("soon", "forever")] {
        let host = setup().start().await;
        let stopped = host.stop().await;
        let file = stopped.folder().join("wrong.yaml");
        std::fs::write(&file, json!({ "engine": { "retention": wrong } }).to_string()).unwrap();
        let said =
            orgata_tests::cli::orgata(stopped.folder(), &["config", "--config", "wrong.yaml"], "").await;
        let said = said.failed(1);
        assert!(said.contains(told), "{said}");
    }
}

#[tokio::test]
async fn an_operator_deletes_one_or_all_that_a_filter_finds() {
    let host = setup().start().await;
    let open = waiting(&host).await;
    let (red, blue) = (ended(&host, "desk", "red").await, ended(&host, "desk", "blue").await);

    let told = host.cli(&["exec", "purge", "--label", "team:red", "--dry-run"]).await.succeeded();
    assert_eq!(told, format!("{red} would be deleted\n1 would be deleted\n"));
    let none = host.cli(&["exec", "purge", "--older-than", "30d", "--runtime", "desk"]).await.succeeded();
    assert_eq!(none.trim(), "there are no such executions");
    assert_eq!(ids(&host, "").await.len(), 3, "nothing is gone so far");

    let done = host.cli(&["exec", "purge", "--label", "team:red", "--status", "succeeded,failed"]).await;
    assert!(done.succeeded().ends_with("1 deleted\n"));
    assert_eq!(ids(&host, "").await, [blue.0.clone(), open.0.clone()]);
    let said = host.cli(&["exec", "purge", &open.0]).await.failed(5);
    assert!(said.contains("cancel it first") && said.contains("STATE_CONFLICT"), "{said}");
    let said = host.cli(&["exec", "purge", "--status", "waiting"]).await.failed(1);
    assert!(said.contains("has not ended"), "{said}");
    assert_eq!(host.cli(&["exec", "purge", &blue.0]).await.succeeded().trim(), format!("{blue} is deleted"));
    let said = host.cli(&["exec", "purge"]).await.failed(2);
    assert!(said.contains("say which"), "{said}");
    assert_eq!(ids(&host, "").await, [open.0]);
}

#[tokio::test]
async fn how_much_room_the_store_takes_can_be_read() {
    let host = setup().start().await;
    ended(&host, "desk", "a").await;
    let metrics = host.get("/metrics").await.is(200);
    let metrics = metrics.as_str().unwrap();
    for (name, least) in [
        ("orgata_store_data_bytes", 4096.0),
        ("orgata_store_log_bytes", 4096.0),
        ("orgata_store_free_bytes", 0.0),
    ] {
        let line = metrics.lines().find(|line| line.starts_with(&format!("{name} ")));
        let line = line.unwrap_or_else(|| panic!("{name} is not told:\n{metrics}"));
        let value: f64 = line.split(' ').nth(1).unwrap().parse().unwrap();
        assert!(value >= least, "{line}");
    }
}

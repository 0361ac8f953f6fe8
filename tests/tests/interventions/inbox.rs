//! The inbox: what waits, for whom, and what no longer does.

use std::collections::BTreeSet;

use orgata_tests::TestHost;
use orgata_tests::matchers::asked;
use serde_json::{Value, json};

use crate::{REVIEW, desk};

async fn inbox(host: &TestHost, query: &str) -> Vec<Value> {
    let page = host.get(&format!("/api/v1/interventions?{query}")).await.is(200);
    page["items"].as_array().expect("an inbox has items").clone()
}

#[tokio::test]
async fn the_inbox_shows_what_waits_and_for_whom() {
    let host = desk().await;
    host.post("/api/v1/runtimes", json!({ "runtimeId": "annex" })).await.is(201);
    let url = host.url("/api/v1/runtimes/annex/playbooks/review");
    let publish = host.client().put(url).header("content-type", "application/yaml").body(REVIEW);
    orgata_tests::Reply::read("publish", publish).await.is(201);
    assert_eq!(inbox(&host, "").await, Vec::<Value>::new());

    let first = host.begin("review", json!({ "title": "one" })).await;
    let question = host.until(&first, asked("flavor")).await;
    let body = json!({ "playbookName": "review", "input": { "title": "two" } });
    host.post("/api/v1/runtimes/annex/executions?wait=20s", body).await.is(202);
    host.answer(&first, &question, json!({ "taste": "salty" })).await.accepted();
    let edit = host.until(&first, asked("edit")).await;

    let all = inbox(&host, "").await;
    assert_eq!(all.len(), 2, "{all:#?}");
    let opened: Vec<&str> = all.iter().map(|item| item["openedAt"].as_str().unwrap()).collect();
    assert!(opened.is_sorted(), "oldest first: {opened:?}");
    let own = inbox(&host, "runtime=desk").await;
    let item = &own[0];
    assert_eq!(own.len(), 1);
    for (key, value) in [
        ("id", edit.id.as_str()),
        ("executionId", first.0.as_str()),
        ("runtimeId", "desk"),
        ("playbookName", "review"),
        ("step", "edit"),
        ("type", "data_entry"),
        ("prompt", "Write it."),
        ("assigneeRole", "editor"),
    ] {
        assert_eq!(item[key], value, "{key}: {item}");
    }
    assert_eq!(item["responseSchema"]["required"], json!(["text"]));
    assert_eq!(inbox(&host, "role=customer").await[0]["runtimeId"], "annex");
    assert_eq!(inbox(&host, "role=editor&runtime=annex").await, Vec::<Value>::new());
    assert_eq!(inbox(&host, "role=nobody").await, Vec::<Value>::new());
    let of_first = host.get(&format!("/api/v1/executions/{first}/interventions")).await.is(200);
    assert_eq!(of_first["items"], json!([item]), "the same, execution by execution");
}

#[tokio::test]
async fn what_was_answered_or_cancelled_waits_no_longer() {
    let host = desk().await;
    let answered = host.begin("review", json!({ "title": "one" })).await;
    let cancelled = host.begin("review", json!({ "title": "two" })).await;
    let question = host.until(&answered, asked("flavor")).await;
    host.until(&cancelled, asked("flavor")).await;
    assert_eq!(inbox(&host, "role=customer").await.len(), 2);

    host.answer(&answered, &question, json!({ "taste": "sweet" })).await.accepted();
    host.control(&cancelled, "cancel", "no paper").await.is(200);
    assert_eq!(inbox(&host, "role=customer").await, Vec::<Value>::new());
    // And so it stays.
    let host = host.kill_and_restart().await;
    assert_eq!(inbox(&host, "role=customer").await, Vec::<Value>::new());
    host.until(&answered, asked("edit")).await;
}

#[tokio::test]
async fn a_long_inbox_is_read_page_by_page_while_it_changes() {
    let host = desk().await;
    for n in 0..25 {
        let body = json!({ "playbookName": "review", "input": { "title": format!("{n}") } });
        host.post("/api/v1/runtimes/desk/executions?wait=20s", body).await.is(202);
    }
    let open = inbox(&host, "limit=1000").await;
    let open: BTreeSet<_> = open.iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect();
    assert_eq!(open.len(), 25);
    let mut seen = BTreeSet::new();
    let mut query = "limit=7".to_owned();
    loop {
        let page = host.get(&format!("/api/v1/interventions?{query}")).await.is(200);
        for item in page["items"].as_array().unwrap() {
            let id = item["id"].as_str().unwrap();
            assert!(seen.insert(id.to_owned()), "{id} is on two pages");
        }
        // Before the next page is read, somebody asks, and somebody answers what was on this one.
        host.begin("review", json!({ "title": "late" })).await;
        let flavor = page["items"].as_array().unwrap().iter().find(|item| item["step"] == "flavor");
        let (id, execution) = flavor.map(|item| (&item["id"], &item["executionId"])).unwrap();
        let path = format!(
            "/api/v1/executions/{}/interventions/{}",
            execution.as_str().unwrap(),
            id.as_str().unwrap()
        );
        host.post(&path, json!({ "response": { "taste": "sweet" } })).await.is(200);
        match page["nextCursor"].as_str() {
            Some(cursor) => query = format!("limit=7&cursor={cursor}"),
            None => break,
        }
    }
    assert!(open.is_subset(&seen), "every question that was open all the time is seen");
}

#[tokio::test]
async fn a_role_knows_what_it_does() {
    let host = desk().await;
    let boss = host.get("/api/v1/runtimes/desk/roles/boss").await.is(200);
    assert_eq!(boss["description"], "Decides.");
    assert_eq!(boss["interventions"], json!([{ "playbookName": "review", "step": "approve" }]));
    assert_eq!(boss["playbooks"], json!(["review"]));
    assert_eq!(boss["operations"], json!([]), "it runs none");
}

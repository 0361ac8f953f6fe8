//! Finding executions again: labels, filters, pages.

use std::collections::BTreeSet;

use futures_util::StreamExt as _;
use futures_util::stream;
use orgata_tests::matchers::ended;
use orgata_tests::{ExecutionId, HostSetup, TestHost};
use serde_json::{Value, json};

use crate::{ASK, time};

const MANY: usize = 300;

/// The ids of a list, page by page, newest first; `between` happens after every page.
async fn pages(host: &TestHost, query: &str, mut between: impl AsyncFnMut()) -> Vec<String> {
    let mut ids = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = host.get(&format!("/api/v1/executions?{query}{cursor}")).await.is(200);
        let items = page["items"].as_array().expect("a page has items");
        let times: Vec<_> = items.iter().map(|item| time(&item["startedAt"])).collect();
        assert!(times.is_sorted_by(|a, b| a >= b), "newest first: {times:?}");
        ids.extend(items.iter().map(|item| item["executionId"].as_str().unwrap().to_owned()));
        between().await;
        match page["nextCursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return ids,
        }
    }
}

async fn all(host: &TestHost, query: &str) -> Vec<String> {
    pages(host, query, async || {}).await
}

fn distinct(ids: &[String]) -> BTreeSet<&String> {
    let distinct: BTreeSet<_> = ids.iter().collect();
    assert_eq!(distinct.len(), ids.len(), "an execution is listed twice");
    distinct
}

async fn begin(host: &TestHost, playbook: &str, n: usize) -> String {
    let labels = json!({ "batch": format!("{}", n % 3), "note": "a:b,c d" });
    let body = json!({ "playbookName": playbook, "executionOptions": { "labels": labels } });
    let handle = host.post("/api/v1/runtimes/desk/executions?wait=20s", body).await.accepted();
    handle["executionId"].as_str().expect("a handle has an id").to_owned()
}

#[tokio::test]
async fn three_hundred_executions_are_listed_page_by_page_without_a_repeat_or_a_miss() {
    let quick = "name: quick\nsteps:\n  - { name: a, operation: bench/noop }\n";
    let host = HostSetup::new()
        .plugin("bench")
        .playbook("quick", quick)
        .playbook("ask", ASK)
        .runtime("desk", json!({}))
        .runtime("other", json!({}))
        .start()
        .await;
    let host = &host;
    // One in ten waits for an answer.
    let name = |n: usize| if n.is_multiple_of(10) { "ask" } else { "quick" };
    let begun = stream::iter(0..MANY).map(|n| begin(host, name(n), n)).buffered(16).collect::<Vec<_>>().await;
    let begun: BTreeSet<_> = begun.iter().collect();
    assert_eq!(begun.len(), MANY);

    for limit in [7, 37, 300, 1000] {
        let seen = all(host, &format!("limit={limit}")).await;
        assert_eq!(distinct(&seen), begun, "in pages of {limit}");
    }
    // New ones come in front of what is being read, and change nothing of it.
    let mut late = 0;
    let seen = pages(host, "limit=50", async || {
        late += 1;
        begin(host, "quick", late).await;
    });
    assert_eq!(distinct(&seen.await), begun);

    assert_eq!(all(host, "status=waiting&limit=11").await.len(), MANY / 10);
    assert_eq!(all(host, "playbook=ask").await.len(), MANY / 10);
    assert_eq!(all(host, "status=waiting,succeeded&limit=1000").await.len(), MANY + late);
    assert_eq!(all(host, "status=waiting&status=succeeded&limit=1000").await.len(), MANY + late);
    assert_eq!(all(host, "status=failed").await.len(), 0);
    assert_eq!(all(host, "runtime=other").await.len(), 0);
    let batch = all(host, "label=batch:1&playbook=ask&limit=4").await;
    assert_eq!(distinct(&batch).len(), MANY / 30);
    assert_eq!(all(host, "label=batch:7").await.len(), 0);
    assert_eq!(
        all(host, "label=note:a%3Ab%2Cc%20d&limit=1000").await.len(),
        MANY + late,
        "a value may hold anything"
    );

    let host = host.get("/api/v1/executions?limit=1").await.is(200);
    assert_eq!(host["items"][0]["labels"]["note"], "a:b,c d");
}

#[tokio::test]
async fn executions_are_found_by_when_they_began() {
    let host = HostSetup::new().plugin("bench").playbook("ask", ASK).runtime("desk", json!({})).start().await;
    let mut times = Vec::new();
    for _ in 0..5 {
        let id = ExecutionId(begin(&host, "ask", 0).await);
        times.push(host.status(&id).await["startedAt"].as_str().unwrap().to_owned());
    }
    assert_eq!(all(&host, &format!("since={}", times[2])).await.len(), 3, "at or after");
    assert_eq!(all(&host, &format!("until={}", times[2])).await.len(), 2, "before");
    assert_eq!(all(&host, &format!("since={}&until={}", times[1], times[4])).await.len(), 3);
}

#[tokio::test]
async fn a_view_says_where_an_execution_stands_and_what_it_runs() {
    let host = HostSetup::new().plugin("bench").playbook("ask", ASK).runtime("desk", json!({})).start().await;
    let id = crate::waiting(&host).await;
    let view = host.status(&id).await;
    for (key, value) in [
        ("runtimeId", json!("desk")),
        ("playbookName", json!("ask")),
        ("status", json!("waiting")),
        ("currentStep", json!("choose")),
        ("stepsDone", json!(1)),
        ("stepsTotal", json!(3)),
        ("labels", json!({})),
    ] {
        assert_eq!(view[key], value, "{key}: {view}");
    }
    assert!(view["plugins"]["bench"].as_str().unwrap().starts_with("sha256:"), "{view}");
    assert_eq!(view["seq"], json!(host.history(&id).await.len()));
    let state = host.get(&format!("/api/v1/executions/{id}/state")).await.is(200);
    let statuses: Vec<&Value> =
        state["steps"].as_array().unwrap().iter().map(|step| &step["status"]).collect();
    assert_eq!(statuses, ["succeeded", "waiting_for_answer", "pending"]);
    assert_eq!(state["steps"][1]["interventionId"], state["interventions"][0]["id"]);
    host.control(&id, "cancel", "").await.is(200);
    host.until(&id, ended()).await;
    assert_eq!(host.status(&id).await.get("currentStep"), None);
}

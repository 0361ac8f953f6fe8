//! One deed to many executions, and deleting one.

use serde_json::{Value, json};

use crate::support::Host;

async fn labelled(host: &Host, label: &str) -> String {
    let body = json!({ "playbookName": "ask", "executionOptions": { "labels": { "team": label } } });
    let answer = host.post(&format!("{}?wait=10s", crate::START), body).await;
    answer.json()["executionId"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_control_reaches_all_that_the_filter_finds_and_nothing_else() {
    let host = Host::new().await;
    let (red, blue) = (labelled(&host, "red").await, labelled(&host, "blue").await);
    let path = "/api/v1/executions/pause?label=team:red";
    let told = host.post(&format!("{path}&dryRun=true"), json!({})).await.json();
    assert_eq!((&told["dryRun"], &told["done"], &told["refused"]), (&json!(true), &json!(1), &json!(0)));
    assert_eq!(
        told["items"][0],
        json!({ "executionId": red, "status": "waiting", "outcome": "would_be_done" })
    );

    let done = host.post(path, json!({ "reason": "lunch" })).await;
    assert_eq!(done.status, 200, "{}", done.text);
    assert_eq!(done.json()["items"], json!([{ "executionId": red, "status": "paused", "outcome": "done" }]));
    let history = host.get(&format!("/api/v1/executions/{red}/history")).await.json();
    let last = history["items"].as_array().unwrap().last().unwrap()["event"].clone();
    assert_eq!((&last["reason"], &last["actor"]), (&json!("lunch"), &json!("local")));
    assert_eq!(host.get(&format!("/api/v1/executions/{blue}")).await.json()["status"], "waiting");

    let again = host.post(&format!("{path}&status=paused"), json!({})).await.json();
    let refusal = &again["items"][0];
    assert_eq!((&refusal["outcome"], &again["refused"]), (&json!("refused"), &json!(1)));
    assert_eq!(refusal["refusal"]["code"], "STATE_CONFLICT");
    assert!(refusal["refusal"]["message"].as_str().unwrap().contains("paused already"));
    let resumed = host.post("/api/v1/executions/resume?playbook=ask", Value::Null).await.json();
    assert_eq!(resumed["done"], 1);
}

#[tokio::test]
async fn a_page_is_bounded_and_says_where_to_go_on() {
    let host = Host::new().await;
    for _ in 0..5 {
        labelled(&host, "red").await;
    }
    let path = "/api/v1/executions/cancel?label=team:red&limit=2";
    let (mut cursor, mut pages) = (String::new(), Vec::new());
    loop {
        let page = host.post(&format!("{path}{cursor}"), json!({})).await.json();
        pages.push(page["done"].as_u64().unwrap());
        match page["nextCursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(pages, [2, 2, 1]);
}

#[tokio::test]
async fn a_bulk_request_that_says_nothing_of_which_is_refused() {
    let host = Host::new().await;
    labelled(&host, "red").await;
    for verb in ["pause", "resume", "cancel", "purge"] {
        for query in ["", "?dryRun=true", "?limit=5"] {
            let refused = host.post(&format!("/api/v1/executions/{verb}{query}"), json!({})).await;
            assert_eq!((refused.status.as_u16(), refused.code().as_str()), (400, "BAD_REQUEST"), "{verb}");
        }
        for query in ["limit=0", "limit=1001", "dryRun=perhaps", "colour=red", "olderThan=x"] {
            let refused =
                host.post(&format!("/api/v1/executions/{verb}?runtime=kitchen-v1&{query}"), json!({})).await;
            assert_eq!(refused.code(), "BAD_REQUEST", "{verb} {query}");
        }
    }
    let refused = host.post("/api/v1/executions/pause?runtime=x&olderThan=1d", json!({})).await;
    assert!(refused.text.contains("there is no query parameter `olderThan` here"), "{}", refused.text);
}

#[tokio::test]
async fn what_has_ended_can_be_deleted_one_by_one_and_by_filter() {
    let host = Host::new().await;
    let ended = host.start("hello", json!({ "who": "you" })).await;
    let waiting = host.start("ask", json!({})).await;
    let path = |id: &str| format!("/api/v1/executions/{id}");
    let refused = host.send("DELETE", &path(&waiting), Value::Null).await;
    assert_eq!((refused.status.as_u16(), refused.code().as_str()), (409, "STATE_CONFLICT"));
    assert_eq!(host.send("DELETE", &path(&ended), Value::Null).await.status, 204);
    assert_eq!(host.get(&path(&ended)).await.code(), "EXECUTION_NOT_FOUND");
    assert_eq!(host.send("DELETE", &path(&ended), Value::Null).await.status, 404);

    let ended = host.start("hello", json!({ "who": "you" })).await;
    let purge = "/api/v1/executions/purge?runtime=kitchen-v1";
    assert_eq!(host.post(&format!("{purge}&olderThan=1h"), json!({})).await.json()["items"], json!([]));
    let told = host.post(&format!("{purge}&status=succeeded&dryRun=true"), json!({})).await.json();
    assert_eq!(told["items"][0]["executionId"], ended.as_str());
    assert_eq!(host.get(&path(&ended)).await.status, 200);
    let done = host.post(purge, json!({})).await.json();
    assert_eq!((&done["done"], &done["items"][0]["outcome"]), (&json!(1), &json!("done")));
    assert_eq!(host.get(&path(&ended)).await.status, 404);
    assert_eq!(host.get(&path(&waiting)).await.status, 200);
}

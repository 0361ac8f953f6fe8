//! SIGTERM: nothing new, what is at work may finish, the rest goes on at the next start.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use orgata_tests::http::Reply;
use orgata_tests::matchers::{asked, completed, event, step_started};
use orgata_tests::{HostSetup, TestHost, Witness, patience};
use serde_json::json;

use crate::{ASK, EXECUTIONS, calling, id_of, shop};

/// Waits until nothing new is admitted: refused with DRAINING, or not even listened to.
async fn until_it_admits_nothing(host: &TestHost) {
    let refused = patience::until(async || {
        // Without a pool: an old connection would say nothing about new ones.
        let client = reqwest::Client::builder().no_proxy().pool_max_idle_per_host(0).build().unwrap();
        let start = client.post(host.url(EXECUTIONS)).json(&json!({ "playbookName": "ask" }));
        match Reply::try_read("a late start", start).await {
            Ok(reply) if reply.status == 202 => None,
            Ok(reply) => {
                reply.refused(503, "DRAINING");
                Some(())
            }
            Err(_) => Some(()),
        }
    });
    refused.await.expect("a host that stops admits nothing new");
}

#[tokio::test]
async fn what_is_at_work_finishes_and_the_rest_goes_on_at_the_next_start() {
    let witness = Witness::start().await;
    let host = shop(&witness, json!({})).start().await;
    let id = calling(&host, &witness).await;
    let asking = host.begin("ask", json!({})).await;
    let question = host.until(&asking, asked("choose")).await;

    host.signal("TERM");
    until_it_admits_nothing(&host).await;
    witness.release("/first");
    let stopped = host.stop().await;

    let host = stopped.start().await;
    host.until(&id, completed()).await;
    host.answer(&asking, &question, json!("yea")).await.accepted();
    host.until(&asking, completed()).await;
    let history = host.history(&id).await;
    assert!(history.iter().all(|event| event.kind != "step_interrupted"), "nothing was cut off");
    for path in ["/first", "/second"] {
        assert_eq!(witness.seen(path).len(), 1, "{path} was called once");
    }
}

#[tokio::test]
async fn a_stop_in_the_middle_of_many_effects_cuts_none_of_them_off() {
    let witness = Witness::start().await;
    witness.delay("/first", Duration::from_millis(30));
    witness.delay("/second", Duration::from_millis(30));
    let mut host = shop(&witness, json!({})).start().await;
    let input = json!({ "shop": witness.url("") });
    let begun = join_all((0..60).map(|_| host.begin("calls", input.clone()))).await;
    for stop in 1..=4 {
        witness.until("/first", 12 * stop).await;
        host = host.stop().await.start().await;
    }
    for id in &begun {
        host.until(id, completed()).await;
        let history = host.history(id).await;
        assert!(history.iter().all(|event| event.kind != "step_interrupted"), "{id}: {history:#?}");
    }
    for path in ["/first", "/second"] {
        let keys = witness.keys(path);
        assert!(keys.len() == 60 && keys.values().all(|times| *times == 1), "{path}: {keys:#?}");
    }
}

#[tokio::test]
async fn what_does_not_finish_in_time_is_left_and_found_at_the_next_start() {
    let witness = Witness::start().await;
    let spin = "name: spin\nsteps:\n  - { name: spin, operation: hostile/loop }\n";
    let setup = shop(&witness, json!({ "engine": { "grace": "300ms" } }));
    let host = setup.plugin("hostile").playbook("spin", spin).start().await;
    let effect = calling(&host, &witness).await;
    let pure = host.begin("spin", json!({})).await;
    host.until(&pure, step_started("spin")).await;

    let began = Instant::now();
    let stopped = host.stop().await;
    // The step would go on for half a minute.
    assert!(began.elapsed() < Duration::from_secs(15), "it waited {:?}", began.elapsed());
    let host = stopped.start().await;
    // Nobody knows what became of the effect; of what only computes, nobody need know.
    assert_eq!(host.until(&effect, asked("first")).await.kind, "failure_handling");
    host.until(&effect, event("step_interrupted")).await;
    assert_eq!(host.status(&pure).await["status"], "running");
    host.control(&pure, "cancel", "").await.is(200);
    let history = host.history(&pure).await;
    assert_eq!(history.len(), 3, "it ran again, and nothing tells of it: {history:#?}");
    assert_eq!(witness.seen("/first").len(), 1);
}

#[tokio::test]
async fn whoever_waits_or_watches_is_told_that_the_host_stops() {
    let witness = Witness::start().await;
    let host = shop(&witness, json!({})).start().await;
    let id = calling(&host, &witness).await;
    let mut stream = host.event_stream(&id, None).await;
    stream.until(step_started("first")).await;
    let mut socket = host.socket().await;
    socket.subscribe(&id).await;
    let body =
        json!({ "playbookName": "calls", "input": { "shop": witness.url("") }, "idempotencyKey": "k" });
    let path = format!("{EXECUTIONS}?wait=1m");
    let wait = host.post(&path, body.clone());
    let stop = async {
        witness.until("/first", 2).await;
        host.signal("TERM");
        until_it_admits_nothing(&host).await;
        witness.release("/first");
    };
    let (reply, ()) = tokio::join!(wait, stop);
    // It was accepted, and is durable: whoever waited is told where it stands.
    let handle = reply.is(202);
    assert_eq!(handle["status"], "running", "{handle}");
    while stream.next().await.is_some() {}
    socket.closed().await;

    let host = host.stop().await.start().await;
    let again = host.post(EXECUTIONS, body).await.is(200);
    assert_eq!(again["executionId"], handle["executionId"]);
    host.until(&id_of(&handle), completed()).await;
    assert_eq!(witness.seen("/first").len(), 2);
    // And whoever watched goes on where it was.
    let mut rest = host.event_stream(&id, stream.last_id.as_deref()).await;
    rest.until(completed()).await;
    let seen: Vec<_> = stream.seen.iter().chain(&rest.seen).cloned().collect();
    assert_eq!(seen, host.history(&id).await);
}

#[tokio::test]
async fn a_host_that_has_nothing_to_do_stops_at_once_and_leaves_nothing_behind() {
    let mut host = HostSetup::new().playbook("ask", ASK).runtime("desk", json!({})).start().await;
    for signal in ["TERM", "INT"] {
        host.begin("ask", json!({})).await;
        // An idle connection does not hold it up.
        let mut socket = host.socket().await;
        let began = Instant::now();
        host.signal(signal);
        let stopped = host.stop().await;
        // It does not wait for the end of its patience, which is ten seconds.
        assert!(began.elapsed() < Duration::from_secs(8), "{signal}: it took {:?}", began.elapsed());
        socket.closed().await;
        assert!(!stopped.data().join("address").exists(), "nobody is sent to a host that is gone");
        host = stopped.start().await;
    }
    let waiting = host.get("/api/v1/executions?status=waiting").await.is(200);
    assert_eq!(waiting["items"].as_array().unwrap().len(), 2);
}

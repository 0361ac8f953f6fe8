//! What is somebody else's: sessions, tasks, executions. Told with bare requests and keys of several principals.

use orgata_tests::matchers::completed;
use orgata_tests::{ExecutionId, Reply, patience};
use reqwest::Method;
use rmcp::model::{ServerNotification, SubscriptionFilter};
use serde_json::{Value, json};

use crate::assistant::{Able, sandwich};
use crate::bare::{initialize, message, send};
use crate::kitchens::Kitchens;
use crate::redacted::redacted;
use crate::{Assistant, Era};

#[tokio::test]
async fn whoever_proves_nothing_is_told_where_proof_is_had() {
    let Kitchens { host, ann, .. } = Kitchens::new().await;
    let bad = format!("Bearer {}x", &ann[..ann.len() - 1]);
    for header in ["", "Basic YW5uOnB3", "Bearer", bad.as_str()] {
        for method in [Method::POST, Method::GET, Method::DELETE] {
            let body = (method == Method::POST).then(initialize);
            let reply = send(&host, method.clone(), &[("authorization", header)], body.as_ref()).await;
            let how = reply.header("www-authenticate").to_owned();
            reply.refused(401, "UNAUTHENTICATED");
            let (_, place) = how.split_once("resource_metadata=\"").unwrap_or_else(|| panic!("{how}"));
            assert!(how.starts_with("Bearer "), "{how}");
            // It is open to whoever has nothing yet, and tells of this very endpoint.
            let (place, _) = place.split_once('"').unwrap_or_else(|| panic!("{how}"));
            let told = Reply::read(place, host.stranger().get(place)).await.is(200);
            assert_eq!(told["resource"], host.url("/mcp"), "{told}");
        }
    }
    // A key is for a header: an address ends in logs.
    for place in ["/mcp".to_owned(), format!("/mcp?access_token={ann}"), format!("/mcp?key={ann}")] {
        let request = host.stranger().post(host.url(&place)).json(&initialize());
        Reply::read("/mcp", request).await.refused(401, "UNAUTHENTICATED");
    }
}

#[tokio::test]
async fn a_session_is_its_owners_alone_whatever_the_verb() {
    let Kitchens { host, ann, bob, eve } = Kitchens::new().await;
    let ann = format!("Bearer {ann}");
    let opened = send(&host, Method::POST, &[("authorization", &ann)], Some(&initialize())).await;
    let session = opened.header("mcp-session-id").to_owned();
    let with = |bearer: &str| {
        let version = ("mcp-protocol-version".to_owned(), "2025-11-25".to_owned());
        [
            ("authorization".to_owned(), bearer.to_owned()),
            ("mcp-session-id".to_owned(), session.clone()),
            version,
        ]
    };
    let ping = json!({ "jsonrpc": "2.0", "id": 2, "method": "ping" });
    for stranger in [bob, eve] {
        for (method, body) in [(Method::POST, Some(&ping)), (Method::GET, None), (Method::DELETE, None)] {
            let headers = with(&format!("Bearer {stranger}"));
            let headers: Vec<_> =
                headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            send(&host, method.clone(), &headers, body).await.refused(404, "SESSION_NOT_FOUND");
            let nobody: Vec<_> =
                std::iter::once(("authorization", "")).chain(headers[1..].iter().copied()).collect();
            send(&host, method, &nobody, body).await.refused(401, "UNAUTHENTICATED");
        }
    }
    let headers = with(&ann);
    let headers: Vec<_> = headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(send(&host, Method::POST, &headers, Some(&ping)).await.status, 200, "it is as it was");
}

#[tokio::test]
async fn another_principals_task_is_none_to_get_to_answer_and_to_cancel() {
    let kitchens = Kitchens::new().await;
    let mut start = json!({ "name": "execute_playbook", "arguments": sandwich("classic", "20s") });
    let begun = message(&kitchens.task(&kitchens.ann, "tools/call", start.clone()).await);
    let id = begun["result"]["taskId"].as_str().unwrap_or_else(|| panic!("{begun:#}")).to_owned();
    let got = message(&kitchens.task(&kitchens.ann, "tasks/get", json!({ "taskId": id })).await);
    assert_eq!(got["result"]["status"], "input_required", "{got:#}");
    let question = got["result"]["inputRequests"].as_object().unwrap().keys().next().unwrap().clone();
    let answers = |id: &str| {
        let mut params = json!({ "taskId": id, "inputResponses": {} });
        params["inputResponses"][&question] =
            json!({ "action": "accept", "content": { "jelly_flavor": "grape" } });
        params
    };
    let never = "exec_00000000000000000000000000000000";
    for method in ["tasks/get", "tasks/update", "tasks/cancel"] {
        // To whom it does not exist it is as one that never was: nothing tells them apart.
        let refused = message(&kitchens.task(&kitchens.bob, method, answers(&id)).await);
        assert_eq!(refused["error"]["code"], -32602, "{method}: {refused:#}");
        let unknown = message(&kitchens.task(&kitchens.bob, method, answers(never)).await);
        let told = |answer: &Value| redacted(&answer.to_string().replace(never, &id));
        assert_eq!(told(&refused), told(&unknown), "{method}");
        let nobody = kitchens.task("", method, answers(&id)).await;
        nobody.refused(401, "UNAUTHENTICATED");
    }
    // Who may look may look, and nothing else.
    let seen = message(&kitchens.task(&kitchens.eve, "tasks/get", json!({ "taskId": id })).await);
    assert_eq!(seen["result"]["taskId"], id, "{seen:#}");
    assert!(seen["result"]["inputRequests"].is_null(), "questions are not hers to see: {seen:#}");
    for method in ["tasks/update", "tasks/cancel"] {
        let refused = message(&kitchens.task(&kitchens.eve, method, answers(&id)).await);
        assert_eq!(refused["error"]["data"]["error"]["code"], "FORBIDDEN", "{method}: {refused:#}");
    }
    start["arguments"]["runtimeId"] = json!("kitchen-v1");
    let begun = message(&kitchens.task(&kitchens.eve, "tools/call", start).await);
    assert_eq!(begun["result"]["isError"], true, "{begun:#}");
    // It waits as it did, and its owner answers.
    assert_eq!(kitchens.count(&id, "intervention_resolved").await, 0);
    let answered = message(&kitchens.task(&kitchens.ann, "tasks/update", answers(&id)).await);
    assert!(answered["result"].is_object(), "{answered:#}");
    kitchens.host.until(&ExecutionId(id), completed()).await;
}

#[tokio::test]
async fn a_stream_tells_nothing_of_what_is_somebody_elses() {
    let kitchens = Kitchens::new().await;
    let asked = kitchens.asked().await;
    let able = Able { key: Some(kitchens.bob.clone()), ..Able::default() };
    let bob = Assistant::connect(&kitchens.host, Era::Stateless, able).await;
    let mut start = sandwich("classic", "20s");
    start["runtimeId"] = json!("kitchen-v2");
    let own = bob.call("execute_playbook", start).await["executionId"].as_str().unwrap().to_owned();
    let uris = [&asked.state, &own].map(|id| format!("orgata://execution/{id}"));
    let names = ["orgata://runtime/kitchen-v1", uris[0].as_str(), uris[1].as_str()];
    let filter = SubscriptionFilter::builder().resource_subscriptions(names).build();
    let mut stream = bob.client.listen(filter).await.unwrap();
    // Ann's goes to its end, and then his own.
    let arguments = sandwich("classic", "20s");
    kitchens.execute(&kitchens.ann, arguments, asked.answered(&asked.state)).await;
    let question = bob.questions(&own).await.remove(0);
    let answer = json!({
        "executionId": own, "interventionId": question["id"], "response": { "jelly_flavor": "grape" },
    });
    bob.call("intervene_execution", answer).await;
    let ended = json!({ "executionId": own });
    patience::until(async || {
        (bob.call("get_execution", ended.clone()).await["status"] == "succeeded").then_some(())
    })
    .await
    .expect("it ends");
    // Answered, resumed, two steps begun and done, ended: whatever is told, it is of his own.
    for _ in 0..3 {
        match patience::within(stream.next()).await.unwrap().unwrap() {
            Some(ServerNotification::ResourceUpdatedNotification(update)) => {
                assert_eq!(update.params.uri, uris[1]);
            }
            other => panic!("{other:?}"),
        }
    }
    stream.cancel().await.unwrap();
}

#[tokio::test]
async fn what_is_somebody_elses_is_not_followed() {
    let kitchens = Kitchens::new().await;
    let asked = kitchens.asked().await;
    let bob = format!("Bearer {}", kitchens.bob);
    let opened = send(&kitchens.host, Method::POST, &[("authorization", &bob)], Some(&initialize())).await;
    let session = opened.header("mcp-session-id").to_owned();
    let headers = [
        ("authorization", bob.as_str()),
        ("mcp-session-id", session.as_str()),
        ("mcp-protocol-version", "2025-11-25"),
    ];
    let ready = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" });
    assert_eq!(send(&kitchens.host, Method::POST, &headers, Some(&ready)).await.status, 202);
    for method in ["resources/subscribe", "resources/read"] {
        let params = json!({ "uri": format!("orgata://execution/{}", asked.state) });
        let body = json!({ "jsonrpc": "2.0", "id": 2, "method": method, "params": params });
        let refused = message(&send(&kitchens.host, Method::POST, &headers, Some(&body)).await);
        assert_eq!(refused["error"]["data"]["error"]["code"], "EXECUTION_NOT_FOUND", "{method}: {refused:#}");
    }
}

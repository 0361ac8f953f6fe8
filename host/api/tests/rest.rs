//! REST, asked through the router with a real engine behind it.

mod support;

use axum::body::Body;
use orgata_api::Settings;
use orgata_engine::ports::LoadError;
use serde_json::{Value, json};
use support::{HELLO, Host, request};

const START: &str = "/api/v1/runtimes/kitchen-v1/executions";

#[tokio::test]
async fn starting_answers_with_a_handle_and_where_to_look() {
    let host = Host::new().await;
    let answer = host.post(START, json!({ "playbookName": "ask" })).await;
    assert_eq!(answer.status, 202);
    let handle = answer.json();
    let id = handle["executionId"].as_str().unwrap();
    assert_eq!(answer.headers["location"], format!("/api/v1/executions/{id}"));
    assert_eq!(handle["links"]["events"], format!("/api/v1/executions/{id}/events"));
    assert_eq!(handle["runtimeId"], "kitchen-v1");
    assert_eq!(handle["playbookName"], "ask");
    assert!(handle["startedAt"].as_str().unwrap().ends_with('Z'));
    assert_eq!(host.get(&format!("/api/v1/executions/{id}")).await.json()["executionId"], id);
}

#[tokio::test]
async fn waiting_gives_the_output_at_once() {
    let host = Host::new().await;
    let body = json!({ "playbookName": "hello", "input": { "who": "you" } });
    let answer = host.post(&format!("{START}?wait=10s"), body).await;
    assert_eq!(answer.status, 200);
    let handle = answer.json();
    assert_eq!(handle["status"], "succeeded");
    assert_eq!(handle["output"], json!({ "text": "you" }));
    // One that needs a person is still going.
    let answer = host.post(&format!("{START}?wait=10s"), json!({ "playbookName": "ask" })).await;
    assert_eq!(answer.status, 202);
    assert_eq!(answer.json()["status"], "waiting");
}

#[tokio::test]
async fn the_same_key_starts_one_execution() {
    let host = Host::new().await;
    let body = json!({ "playbookName": "ask", "idempotencyKey": "k" });
    let first = host.post(START, body.clone()).await;
    let second = host.post(START, body).await;
    assert_eq!((first.status.as_u16(), second.status.as_u16()), (202, 200));
    assert_eq!(first.json()["executionId"], second.json()["executionId"]);
    let other = host.post(START, json!({ "playbookName": "hello", "input": { "who": "" }, "idempotencyKey": "k" })).await;
    assert_eq!((other.status.as_u16(), other.code().as_str()), (409, "IDEMPOTENCY_KEY_REUSED"));
}

#[tokio::test]
async fn the_story_of_a_question() {
    let host = Host::new().await;
    let id = host.start("ask", json!({})).await;
    let pending = host.get(&format!("/api/v1/executions/{id}/interventions")).await.json();
    let question = &pending["items"][0];
    assert_eq!(question["type"], "human_decision");
    assert_eq!(question["prompt"], "Which jelly flavor?");
    assert_eq!(question["options"], json!(["grape", "apricot"]));
    assert_eq!(question["executionId"], id.as_str());
    assert_eq!(host.get("/api/v1/interventions?role=clerk").await.json()["items"][0]["id"], question["id"]);
    assert_eq!(host.get("/api/v1/interventions?role=nobody").await.json()["items"], json!([]));

    let path = format!("/api/v1/executions/{id}/interventions/{}", question["id"].as_str().unwrap());
    let wrong = host.post(&path, json!({ "response": { "jelly_flavor": "mud" } })).await;
    assert_eq!((wrong.status.as_u16(), wrong.code().as_str()), (422, "RESPONSE_INVALID"));
    assert_eq!(wrong.json()["error"]["details"]["violations"][0]["pointer"], "/jelly_flavor");

    let taken = host.post(&path, json!({ "response": { "jelly_flavor": "grape" }, "notes": "Customer preference" })).await;
    assert_eq!(taken.status, 200, "{}", taken.text);
    assert_eq!(taken.json()["status"], "answered");
    let late = host.post(&path, json!({ "response": { "jelly_flavor": "apricot" } })).await;
    assert_eq!((late.status.as_u16(), late.code().as_str()), (409, "INTERVENTION_ANSWERED"));
    assert_eq!(late.json()["error"]["details"]["response"], json!({ "jelly_flavor": "grape" }));

    // The stream ends with the execution, so this waits for it.
    let stream = host.get(&format!("/api/v1/executions/{id}/events")).await.text;
    assert!(stream.contains("\"type\":\"execution_completed\""), "{stream}");
    let state = host.get(&format!("/api/v1/executions/{id}/state")).await.json();
    assert_eq!(state["status"], "succeeded");
    assert_eq!(state["steps"][1]["result"], json!({ "jelly_flavor": "grape" }));
    assert_eq!(state["steps"][2]["status"], "succeeded");
    assert_eq!(state["output"], json!({ "jelly": "grape" }));
}

#[tokio::test]
async fn history_and_stream_tell_the_same() {
    let host = Host::new().await;
    let id = host.start("hello", json!({ "who": "you" })).await;
    let whole = host.get(&format!("/api/v1/executions/{id}/history")).await.json();
    assert_eq!(whole["nextCursor"], Value::Null);
    let first = host.get(&format!("/api/v1/executions/{id}/history?limit=1")).await.json();
    assert_eq!(first["nextCursor"], "1");
    let rest = host.get(&format!("/api/v1/executions/{id}/history?after=1")).await.json();
    assert_eq!(host.get(&format!("/api/v1/executions/{id}/history?fromSeq=2")).await.json(), rest);
    let mut joined = first["items"].as_array().unwrap().clone();
    joined.extend(rest["items"].as_array().unwrap().clone());
    assert_eq!(whole["items"].as_array().unwrap(), &joined);

    let stream = host.get(&format!("/api/v1/executions/{id}/events?fromSeq=1")).await;
    assert_eq!(stream.headers["content-type"], "text/event-stream");
    let frames: Vec<Value> = stream
        .text
        .lines()
        .filter_map(|line| line.strip_prefix("data: "))
        .map(|data| serde_json::from_str(data).unwrap())
        .collect();
    assert_eq!(frames.len(), joined.len());
    for (frame, item) in frames.iter().zip(&joined) {
        assert_eq!(frame["type"], "execution_event");
        assert_eq!(frame["executionId"], id.as_str());
        assert_eq!((&frame["seq"], &frame["event"]), (&item["seq"], &item["event"]));
    }
    assert!(stream.text.contains("event: execution_event\n"));
}

#[tokio::test]
async fn a_stream_goes_on_where_it_was_and_stops_at_the_end() {
    let host = Host::new().await;
    let id = host.start("hello", json!({ "who": "you" })).await;
    let last = host.get(&format!("/api/v1/executions/{id}")).await.json()["seq"].as_u64().unwrap();
    let path = format!("/api/v1/executions/{id}/events");
    let from = |seq: u64| request("GET", &path).header("last-event-id", seq.to_string()).body(Body::empty()).unwrap();
    let rest = host.ask(from(last - 1)).await;
    assert_eq!(rest.text.matches("data: ").count(), 1);
    assert!(rest.text.contains(&format!("id: {last}\n")));
    assert_eq!(host.ask(from(last)).await.status, 204);
}

#[tokio::test]
async fn controls_are_conflicts_when_nothing_would_change() {
    let host = Host::new().await;
    let id = host.start("ask", json!({})).await;
    let path = |verb: &str| format!("/api/v1/executions/{id}/{verb}");
    let paused = host.post(&path("pause"), json!({ "reason": "lunch" })).await;
    assert_eq!((paused.status.as_u16(), &paused.json()["status"]), (200, &json!("paused")));
    assert_eq!(host.post(&path("pause"), json!({})).await.code(), "STATE_CONFLICT");
    // The body may be left out.
    let resumed = host.ask(request("POST", &path("resume")).body(Body::empty()).unwrap()).await;
    assert_eq!(resumed.json()["status"], "waiting");
    assert_eq!(host.post(&path("cancel"), Value::Null).await.json()["status"], "cancelled");
    let ended = host.post(&path("cancel"), json!({})).await;
    assert_eq!((ended.status.as_u16(), ended.code().as_str()), (409, "EXECUTION_ENDED"));
}

#[tokio::test]
async fn lists_are_filtered_and_paged() {
    let host = Host::new().await;
    for who in ["a", "b", "c"] {
        let body = json!({
            "playbookName": "hello", "input": { "who": who }, "executionOptions": { "labels": { "who": who } }
        });
        assert_eq!(host.post(&format!("{START}?wait=10s"), body).await.status, 200);
    }
    host.start("ask", json!({})).await;
    let count = async |query: &str| {
        let answer = host.get(&format!("/api/v1/executions?{query}")).await;
        answer.json()["items"].as_array().unwrap_or_else(|| panic!("{}", answer.text)).len()
    };
    assert_eq!(count("").await, 4);
    assert_eq!(count("status=succeeded").await, 3);
    assert_eq!(count("status=succeeded,waiting").await, 4);
    assert_eq!(count("status=succeeded&status=waiting").await, 4);
    assert_eq!(count("label=who:b").await, 1);
    assert_eq!(count("playbook=ask&runtime=kitchen-v1&since=2020-01-01T00:00:00Z").await, 1);
    let page = host.get("/api/v1/executions?limit=3").await.json();
    let cursor = page["nextCursor"].as_str().unwrap();
    assert_eq!(count(&format!("cursor={cursor}")).await, 1);
}

#[tokio::test]
async fn a_bad_query_says_which_parameter_and_why() {
    let host = Host::new().await;
    for (query, says) in [
        ("limit=0", "`limit` must be from 1 to 1000"),
        ("limit=many", "query parameter `limit`: invalid digit"),
        ("status=happy", "there is no status `happy`; there are: pending, running"),
        ("since=yesterday", "query parameter `since`"),
        ("label=x", "a label is written key:value"),
        ("runtime=a/b", "is not a valid runtime id"),
        ("runtime=a&runtime=b", "`runtime` is given twice"),
        ("stauts=failed", "there is no query parameter `stauts` here; there are: status, runtime"),
        ("cursor=mine", "the cursor is not one that this list gave"),
    ] {
        let answer = host.get(&format!("/api/v1/executions?{query}")).await;
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (400, "BAD_REQUEST"), "{query}");
        assert!(answer.text.contains(says), "{query}: {}", answer.text);
    }
}

#[tokio::test]
async fn a_bad_body_says_where_and_why() {
    let host = Host::new().await;
    let post = async |kind: &str, body: &str| {
        let request = request("POST", START).header("content-type", kind).body(Body::from(body.to_owned()));
        host.ask(request.unwrap()).await
    };
    let broken = post("application/json", "{\n  \"playbookName\": hello }").await;
    assert_eq!((broken.status.as_u16(), broken.code().as_str()), (400, "BAD_REQUEST"));
    assert_eq!(broken.json()["error"]["details"], json!({ "line": 2, "column": 19 }));
    let unknown = post("application/json; charset=utf-8", r#"{ "playbook": "hello" }"#).await;
    assert!(unknown.json()["error"]["message"].as_str().unwrap().contains("unknown field `playbook`, expected one of `playbookName`"));
    assert!(post("application/json", "").await.text.contains("the body is empty"));
    let deep = format!("{{\"playbookName\":\"hello\",\"input\":{}1{}}}", "[".repeat(200), "]".repeat(200));
    assert!(post("application/json", &deep).await.text.contains("recursion limit"));
    let text = post("text/plain", "{}").await;
    assert_eq!((text.status.as_u16(), text.code().as_str()), (415, "UNSUPPORTED_MEDIA_TYPE"));
    let host = Host::with(Settings { body_bytes: 64, ..Settings::default() }).await;
    let large = host.post(START, json!({ "playbookName": "x".repeat(100) })).await;
    assert_eq!((large.status.as_u16(), large.code().as_str()), (413, "TOO_LARGE"));
}

#[tokio::test]
async fn what_is_not_there_says_what_is() {
    let host = Host::new().await;
    for (path, status, code, says) in [
        ("/api/v2/x", 404, "ROUTE_NOT_FOUND", "/api/docs"),
        ("/api/v1/runtimes/x", 404, "RUNTIME_NOT_FOUND", "there are: kitchen-v1"),
        ("/api/v1/runtimes/kitchen-v1/playbooks/x", 404, "PLAYBOOK_NOT_FOUND", "there are: ask, fail, hello"),
        ("/api/v1/runtimes/kitchen-v1/roles/x", 404, "ROLE_NOT_FOUND", "clerk"),
        ("/api/v1/runtimes/kitchen-v1/operations/x", 404, "OPERATION_NOT_FOUND", "words/echo"),
        ("/api/v1/executions/exec_00000000000000000000000000000000", 404, "EXECUTION_NOT_FOUND", "exec_0000"),
        ("/api/v1/executions/7", 400, "BAD_REQUEST", "it looks like exec_0192f3…, with 32 hex digits"),
        ("/api/v1/plugins/abc", 400, "BAD_REQUEST", "sha256: and 64 hex digits"),
        ("/api/v1/ws", 426, "UPGRADE_REQUIRED", "WebSocket"),
    ] {
        let answer = host.get(path).await;
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (status, code), "{path}");
        assert!(answer.text.contains(says), "{path}: {}", answer.text);
    }
    let wrong = host.send("PATCH", "/api/v1/runtimes", json!({})).await;
    assert_eq!((wrong.status.as_u16(), wrong.code().as_str()), (405, "METHOD_NOT_ALLOWED"));
    assert!(wrong.headers["allow"].to_str().unwrap().contains("POST"));
}

#[tokio::test]
async fn a_wrong_input_says_every_way_in_which_it_is() {
    let host = Host::new().await;
    let answer = host.post(START, json!({ "playbookName": "hello", "input": { "who": 7 } })).await;
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (422, "INPUT_INVALID"));
    insta::assert_json_snapshot!(answer.json()["error"]["details"], @r#"
    {
      "violations": [
        {
          "message": "7 is not of type \"string\"",
          "pointer": "/who"
        }
      ]
    }
    "#);
}

#[tokio::test]
async fn a_playbook_is_published_read_and_retired() {
    let host = Host::new().await;
    let path = "/api/v1/runtimes/kitchen-v1/playbooks/hello";
    let put = async |kind: &str, body: String| {
        host.ask(request("PUT", path).header("content-type", kind).body(Body::from(body)).unwrap()).await
    };
    assert_eq!(put("text/yaml", HELLO.to_owned()).await.status, 200);
    let newer = HELLO.replace("1.2.0", "1.3.0");
    let published = put("application/yaml; charset=utf-8", newer.clone()).await;
    assert_eq!((published.status.as_u16(), &published.json()["version"]), (201, &json!("1.3.0")));
    assert_eq!(put("application/json", json!({ "source": newer }).to_string()).await.status, 200);
    assert_eq!(put("text/plain", newer).await.status, 415);

    let details = host.get(path).await.json();
    assert_eq!(details["steps"][0]["operation"], "words/echo");
    assert!(details["source"].as_str().unwrap().contains("Says what it is told."));
    let schema = host.get(&format!("{path}/schema")).await.json();
    assert_eq!(schema["inputSchema"]["required"], json!(["who"]));
    let asks = host.get("/api/v1/runtimes/kitchen-v1/playbooks/ask/schema").await.json();
    assert_eq!(asks["interventions"][0]["step"], "choose");
    assert_eq!(asks["interventions"][0]["responseSchema"]["required"], json!(["jelly_flavor"]));

    let request = request("DELETE", path).body(Body::empty()).unwrap();
    assert_eq!(host.ask(request).await.status, 204);
    assert_eq!(host.get(path).await.code(), "PLAYBOOK_NOT_FOUND");
}

#[tokio::test]
async fn the_mistakes_of_a_playbook_are_told_with_their_places() {
    let host = Host::new().await;
    let path = "/api/v1/runtimes/kitchen-v1/playbooks/bad";
    let source = "name: bad\nsteps:\n  - name: a\n    operation: words\n";
    let put = request("PUT", path).header("content-type", "application/yaml").body(Body::from(source)).unwrap();
    let answer = host.ask(put).await;
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (422, "PLAYBOOK_INVALID"));
    let details = &answer.json()["error"]["details"];
    assert_eq!(details["problems"][0]["line"], 4);
    assert!(details["report"].as_str().unwrap().contains("bad.yaml:4"), "{details}");
}

#[tokio::test]
async fn runtimes_are_made_and_retired() {
    let host = Host::new().await;
    let body = json!({ "runtimeId": "garden", "environment": "staging", "plugins": ["words"],
        "grants": { "words": { "network": ["api.example.com:443"] } } });
    let made = host.post("/api/v1/runtimes", body.clone()).await;
    assert_eq!((made.status.as_u16(), made.headers["location"].to_str().unwrap()), (201, "/api/v1/runtimes/garden"));
    assert_eq!(host.post("/api/v1/runtimes", body).await.status, 200);
    assert_eq!(host.post("/api/v1/runtimes", json!({ "runtimeId": "garden" })).await.code(), "ALREADY_EXISTS");
    insta::assert_json_snapshot!(host.get("/api/v1/runtimes/garden").await.json());
    let names: Vec<Value> = host.get("/api/v1/runtimes").await.json()["items"].as_array().unwrap()
        .iter().map(|runtime| runtime["runtimeId"].clone()).collect();
    assert_eq!(names, ["garden", "kitchen-v1"]);
    assert_eq!(host.ask(request("DELETE", "/api/v1/runtimes/garden").body(Body::empty()).unwrap()).await.status, 204);
    assert_eq!(host.get("/api/v1/runtimes/garden").await.code(), "RUNTIME_NOT_FOUND");
}

#[tokio::test]
async fn operations_are_found_by_each_of_their_names() {
    let host = Host::new().await;
    let base = "/api/v1/runtimes/kitchen-v1/operations";
    let whole = host.get(&format!("{base}/words/echo")).await.json();
    assert_eq!(whole["name"], "words/echo");
    assert_eq!(host.get(&format!("{base}/words%2Fecho")).await.json(), whole);
    assert_eq!(host.get(&format!("{base}/echo")).await.json(), whole);
    insta::assert_json_snapshot!(host.get(base).await.json()["items"][0]);
    insta::assert_json_snapshot!(host.get("/api/v1/runtimes/kitchen-v1/roles/clerk").await.json());
}

#[tokio::test]
async fn plugins_are_uploaded_and_refused_with_a_reason() {
    let host = Host::new().await;
    insta::assert_json_snapshot!(host.get("/api/v1/plugins").await.json());
    let upload = async || {
        let request = request("POST", "/api/v1/plugins").header("content-type", "application/wasm");
        host.ask(request.body(Body::from("\0asm")).unwrap()).await
    };
    let loaded = upload().await;
    assert_eq!(loaded.status, 201);
    let digest = loaded.json()["digest"].as_str().unwrap().to_owned();
    assert_eq!(host.get(&format!("/api/v1/plugins/{digest}")).await.json()["state"], "current");
    assert_eq!(host.post("/api/v1/plugins/words/rollback", json!({ "digest": digest })).await.status, 200);
    assert_eq!(host.post("/api/v1/plugins/nothing/rollback", json!({})).await.code(), "PLUGIN_NOT_FOUND");
    for (reason, status, code) in [
        ("WRONG_EXPORTS", 422, "PLUGIN_REFUSED"),
        ("BUSY", 429, "OVERLOADED"),
        ("TOO_LARGE", 413, "TOO_LARGE"),
        ("IO", 500, "INTERNAL"),
    ] {
        *host.words.refusal.lock().unwrap() = Some(LoadError {
            code: reason,
            message: "/secret/path: it exports nothing".into(),
            causes: vec!["because".into()],
            hint: "export something".into(),
        });
        let refused = upload().await;
        assert_eq!((refused.status.as_u16(), refused.code().as_str()), (status, code), "{reason}");
        assert_eq!(refused.headers.contains_key("retry-after"), reason == "BUSY");
        if reason == "IO" {
            assert!(!refused.text.contains("/secret/path"));
        } else {
            assert_eq!(refused.json()["error"]["details"]["hint"], "export something");
        }
    }
}

#[tokio::test]
async fn a_fault_of_the_store_is_not_told_to_strangers() {
    let host = Host::new().await;
    host.store.break_down();
    for path in ["/ready", "/api/v1/executions"] {
        let answer = host.get(path).await;
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (503, "STORE_UNAVAILABLE"), "{path}");
        assert_eq!(answer.headers["retry-after"], "1");
        assert!(!answer.text.contains("/secret/path"), "{}", answer.text);
    }
    assert_eq!(host.get("/health").await.status, 200);
}

#[tokio::test]
async fn a_host_at_its_limit_says_when_to_come_back() {
    let limits = orgata_engine::Settings { active_executions: 0, ..orgata_engine::Settings::default() };
    let host = Host::with_engine(Settings::default(), limits).await;
    let answer = host.post(START, json!({ "playbookName": "ask" })).await;
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (429, "OVERLOADED"));
    assert_eq!(answer.headers["retry-after"], "1");
    host.engine.stop().await;
    let answer = host.post(START, json!({ "playbookName": "ask" })).await;
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (503, "DRAINING"));
    assert_eq!(host.get("/ready").await.code(), "DRAINING");
}

#[tokio::test]
async fn every_answer_carries_the_requests_id() {
    let host = Host::new().await;
    let mine = request("GET", "/health").header("x-request-id", "mine-7").body(Body::empty()).unwrap();
    assert_eq!(host.ask(mine).await.headers["x-request-id"], "mine-7");
    let other = request("GET", "/health").header("x-request-id", "a b").body(Body::empty()).unwrap();
    assert!(host.ask(other).await.headers["x-request-id"].to_str().unwrap().starts_with("req_"));
}

#[tokio::test]
async fn a_page_of_another_site_is_refused_and_a_listed_one_may_read() {
    let settings = Settings { allowed_origins: vec!["https://app.example".into()], ..Settings::default() };
    let host = Host::with(settings).await;
    let from = |method: &str, origin: &str| {
        request(method, "/api/v1/runtimes").header("origin", origin).header("access-control-request-method", "POST")
    };
    let evil = host.ask(from("GET", "https://evil.example").body(Body::empty()).unwrap()).await;
    assert_eq!((evil.status.as_u16(), evil.code().as_str()), (403, "ORIGIN_NOT_ALLOWED"));
    assert!(!evil.headers.contains_key("access-control-allow-origin"));
    let listed = host.ask(from("GET", "https://app.example").body(Body::empty()).unwrap()).await;
    assert_eq!(listed.status, 200);
    assert_eq!(listed.headers["access-control-allow-origin"], "https://app.example");
    assert_eq!(listed.headers["vary"], "origin");
    let asked = host.ask(from("OPTIONS", "https://app.example").body(Body::empty()).unwrap()).await;
    assert_eq!(asked.status, 204);
    assert_eq!(asked.headers["access-control-allow-methods"], "GET, POST, PUT, DELETE");
    let rebound = http::Request::get("/api/v1/runtimes").header("host", "evil.example").body(Body::empty()).unwrap();
    assert_eq!(host.ask(rebound).await.code(), "HOST_NOT_ALLOWED");
}

#[tokio::test]
async fn the_docs_load_nothing_from_elsewhere() {
    let host = Host::new().await;
    let page = host.get("/api/docs").await;
    assert_eq!(page.headers["content-type"], "text/html; charset=utf-8");
    assert!(page.headers["content-security-policy"].to_str().unwrap().starts_with("default-src 'none'; script-src 'self'"));
    assert!(!page.text.contains("http://") && !page.text.contains("https://"));
    for path in page.text.split('"').filter(|text| text.starts_with("/api/")) {
        assert_eq!(host.get(path).await.status, 200, "{path}");
    }
    assert_eq!(host.get("/api/docs/rapidoc-min.js").await.headers["content-encoding"], "gzip");
    assert_eq!(host.get("/metrics").await.text, "orgata_up 1\n");
}

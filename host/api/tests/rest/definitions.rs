//! Runtimes, playbooks, operations and plugins.

use axum::body::Body;
use orgata_engine::ports::LoadError;
use serde_json::{Value, json};

use crate::support::{HELLO, Host, request};

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
    let put =
        request("PUT", path).header("content-type", "application/yaml").body(Body::from(source)).unwrap();
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
    assert_eq!(
        (made.status.as_u16(), made.headers["location"].to_str().unwrap()),
        (201, "/api/v1/runtimes/garden")
    );
    assert_eq!(host.post("/api/v1/runtimes", body).await.status, 200);
    assert_eq!(
        host.post("/api/v1/runtimes", json!({ "runtimeId": "garden" })).await.code(),
        "ALREADY_EXISTS"
    );
    insta::assert_json_snapshot!(host.get("/api/v1/runtimes/garden").await.json());
    let names: Vec<Value> = host.get("/api/v1/runtimes").await.json()["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|runtime| runtime["runtimeId"].clone())
        .collect();
    assert_eq!(names, ["garden", "kitchen-v1"]);
    assert_eq!(
        host.ask(request("DELETE", "/api/v1/runtimes/garden").body(Body::empty()).unwrap()).await.status,
        204
    );
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
async fn the_docs_load_nothing_from_elsewhere() {
    let host = Host::new().await;
    let page = host.get("/api/docs").await;
    assert_eq!(page.headers["content-type"], "text/html; charset=utf-8");
    assert!(
        page.headers["content-security-policy"]
            .to_str()
            .unwrap()
            .starts_with("default-src 'none'; script-src 'self'")
    );
    assert!(!page.text.contains("http://") && !page.text.contains("https://"));
    for path in page.text.split('"').filter(|text| text.starts_with("/api/")) {
        assert_eq!(host.get(path).await.status, 200, "{path}");
    }
    assert_eq!(host.get("/api/docs/rapidoc-min.js").await.headers["content-encoding"], "gzip");
    assert_eq!(host.get("/metrics").await.text, "orgata_up 1\n");
}

#[tokio::test]
async fn schedules_are_listed_with_their_next_run() {
    let host = Host::new().await;
    let path = "/api/v1/runtimes/kitchen-v1/playbooks/nightly";
    let source = "name: nightly\nschedule: { cron: 0 3 * * *, timezone: europe/berlin, overlap: queue }\n\
                  onEvent: { event: hurry, input: { soon: $event.soon } }\n\
                  steps:\n  - { name: a, set: { x: 1 } }\n";
    let put =
        request("PUT", path).header("content-type", "application/yaml").body(Body::from(source)).unwrap();
    assert_eq!(host.ask(put).await.status, 201);
    let list = host.get("/api/v1/runtimes/kitchen-v1/schedules").await.json();
    let schedule = &list["items"][0];
    assert_eq!(
        (&schedule["playbook"], &schedule["timezone"], &schedule["overlap"], &schedule["missed"]),
        (&json!("nightly"), &json!("Europe/Berlin"), &json!("queue"), &json!("once"))
    );
    assert!(schedule["nextRun"].is_string() && schedule["lastRun"].is_null(), "{schedule}");
    assert_eq!(host.get("/api/v1/runtimes/nowhere/schedules").await.code(), "RUNTIME_NOT_FOUND");

    let event = json!({ "event": "hurry", "payload": { "soon": true }, "id": "e-1" });
    let delivery = host.post("/api/v1/runtimes/kitchen-v1/events", event).await.json();
    assert_eq!(delivery["started"].as_array().map(Vec::len), Some(1), "{delivery}");
    let unknown = json!({ "event": "hurry", "ids": "e-1" });
    assert_eq!(host.post("/api/v1/runtimes/kitchen-v1/events", unknown).await.code(), "BAD_REQUEST");
}

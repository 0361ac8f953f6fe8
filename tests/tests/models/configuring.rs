//! What operators write of models, and what they are told when it cannot work.

use std::fs;

use orgata_tests::TestHost;
use orgata_tests::cli::orgata;
use serde_json::json;

use crate::{library, openai};

#[tokio::test]
async fn a_wrong_model_is_refused_by_configuration_and_rest_in_the_same_words() {
    let host = library(json!({ "provider": "scripted", "answers": [{ "content": "Yes." }] })).start().await;
    for (model, shown) in [
        (json!({ "provider": "openai", "model": "m" }), "model.baseUrl"),
        (
            json!({ "provider": "openai", "baseUrl": "http://models.example", "model": "m", "apiKey": "K" }),
            "plain text",
        ),
        (json!({ "provider": "scripted" }), "model.answers"),
        (json!({ "provider": "client", "maxRequests": 0 }), "model.maxRequests"),
    ] {
        let body = json!({ "runtimeId": "other", "model": model });
        let refused = host.post("/api/v1/runtimes", body).await;
        assert_eq!(refused.status, 400, "{:?}", refused.body);
        assert!(refused.body.to_string().contains(shown), "{:?}", refused.body);
        let file = json!({ "runtimes": [{ "id": "other", "model": model }] });
        fs::write(host.folder().join("wrong.yaml"), file.to_string()).unwrap();
        let ended = orgata(host.folder(), &["--config", "wrong.yaml", "config"], "").await;
        assert_ne!(ended.code, Some(0), "{}", ended.stdout);
        let stderr = ended.stderr;
        assert!(stderr.contains(shown) && stderr.contains("other"), "{stderr}");
    }
    let unknown = json!({ "runtimeId": "other", "model": { "provider": "client", "temperature": 1 } });
    assert_eq!(host.post("/api/v1/runtimes", unknown).await.status, 400);
}

#[tokio::test]
async fn a_runtime_made_over_rest_shows_its_model_and_never_a_key() {
    let host: TestHost = library(json!({ "provider": "client" })).start().await;
    let body = json!({ "runtimeId": "other", "model": openai("https://models.example/v1") });
    host.post("/api/v1/runtimes", body).await.is(201);
    let shown = host.get("/api/v1/runtimes/other").await.is(200);
    assert_eq!(shown["model"]["apiKey"], "MODEL_KEY", "{shown}");
    assert_eq!((&shown["model"]["timeout"], &shown["model"]["maxRequests"]), (&json!("1m"), &json!(100)));
    let config = orgata(host.folder(), &["--config", "orgata.yaml", "config"], "").await.succeeded();
    assert!(config.contains("provider: client") && config.contains("maxTokens: 4096"), "{config}");
}

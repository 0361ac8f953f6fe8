//! Servers that misbehave, and operations that ask too much.

use std::time::Duration;

use orgata_tests::Witness;
use serde_json::json;

use crate::{KEY, ask, completion, library, openai, requests, set_secret};

const CHAT: &str = "/v1/chat/completions";

#[tokio::test]
async fn what_is_wrong_with_a_server_is_told_in_one_word_each() {
    let server = Witness::start().await;
    let mut model = openai(&server.url("/v1"));
    model["timeout"] = json!("300ms");
    let host = library(model).start().await;
    set_secret(&host, "MODEL_KEY", KEY).await;
    for (status, word, shown) in [
        (429, "rate_limited", "takes no more requests now"),
        (503, "unavailable", "may work later"),
        (401, "not_allowed", "model.apiKey"),
        (400, "refused", "status 400"),
    ] {
        server.fail(CHAT, 1, status);
        let refused = ask(&host, "library", json!({ "prompt": "Hello" })).await;
        assert!(refused["failure"].to_string().contains(shown), "{refused}");
        assert_eq!(requests(&host, &refused).await[0]["failure"], word);
    }
    server.page(CHAT, "<html>Welcome</html>");
    let garbage = ask(&host, "library", json!({ "prompt": "Hello" })).await;
    assert_eq!(requests(&host, &garbage).await[0]["failure"], "unfit", "{garbage}");
    server.page(CHAT, "x".repeat(4 << 20));
    let huge = ask(&host, "library", json!({ "prompt": "Hello" })).await;
    assert_eq!(requests(&host, &huge).await[0]["failure"], "too_large", "{huge}");
    server.redirect(CHAT, server.url("/elsewhere"));
    let elsewhere = ask(&host, "library", json!({ "prompt": "Hello" })).await;
    assert_eq!(requests(&host, &elsewhere).await[0]["failure"], "refused", "{elsewhere}");
    assert!(server.seen("/elsewhere").is_empty(), "a key is not led elsewhere");
    server.hold(CHAT);
    let slow = ask(&host, "library", json!({ "prompt": "Hello" })).await;
    assert!(slow["failure"].to_string().contains("did not answer within 300ms"), "{slow}");
    assert_eq!(requests(&host, &slow).await[0]["failure"], "timed_out");
}

#[tokio::test]
async fn a_step_ends_in_its_time_whatever_the_model_does() {
    let server = Witness::start().await;
    server.delay(CHAT, Duration::from_mins(1));
    let hasty = "\
name: ask
steps: [{ name: ask, operation: sampler/ask, params: { ask: $input }, timeout: 500ms }]
";
    let host = library(openai(&server.url("/v1"))).playbook("ask", hasty).start().await;
    set_secret(&host, "MODEL_KEY", KEY).await;
    let failed = ask(&host, "library", json!({ "prompt": "Hello" })).await;
    assert_eq!(failed["status"], "failed", "{failed}");
    let asked = requests(&host, &failed).await;
    assert_eq!(asked.len(), 1, "it was asked, and is told: {failed}");
    assert!(["timed_out", "abandoned"].contains(&asked[0]["failure"].as_str().unwrap()), "{asked:?}");
}

#[tokio::test]
async fn an_operation_that_asks_too_much_is_refused_before_anybody_is_asked() {
    let server = Witness::start().await;
    server.answer(CHAT, completion("Yes."));
    let mut model = openai(&server.url("/v1"));
    model["maxRequests"] = json!(2);
    model["maxTokens"] = json!(50);
    let host = library(model).start().await;
    set_secret(&host, "MODEL_KEY", KEY).await;
    for (input, shown) in [
        (json!({ "prompt": "x".repeat(600 << 10) }), "bytes long"),
        (json!({ "prompt": "Hello", "role": "root" }), "messages[0].role"),
        (json!({ "prompt": "Hello", "schema": { "type": "nothing" } }), "response schema is none"),
        (json!({ "prompt": "Hello", "maxTokens": 0 }), "no tokens"),
    ] {
        let refused = ask(&host, "library", input).await;
        assert!(refused["failure"].to_string().contains(shown), "{shown}: {}", refused["failure"]);
    }
    assert_eq!(server.total(), 0);
    let often = ask(&host, "library", json!({ "prompt": "Hello", "times": 3, "maxTokens": 9_000 })).await;
    assert!(often["failure"].to_string().contains("has asked 2 times"), "{often}");
    assert_eq!(requests(&host, &often).await.len(), 2);
    let seen = server.seen(CHAT);
    assert_eq!(seen.len(), 2);
    assert!(seen[0].body.contains("\"max_tokens\":50"), "{}", seen[0].body);
}

//! Scripts instead of models: for trying out, for tests, for simulations. Nothing of it costs anything.

use orgata_tests::Witness;
use orgata_tests::cli::orgata;
use orgata_tests::guests::guest;
use serde_json::json;

use crate::{ask, library, openai, requests};

#[tokio::test]
async fn a_script_from_a_file_answers_in_its_order() {
    let answers = "\
- { content: One., inputTokens: 5, outputTokens: 2 }
- { error: the script is busy }
- { content: Three. }
";
    let model = json!({ "provider": "scripted", "answers": "answers.yaml" });
    let host = library(model).file("answers.yaml", answers).start().await;
    let one = ask(&host, "library", json!({ "prompt": "Hello" })).await;
    assert_eq!(
        (&one["output"]["content"], &one["output"]["inputTokens"]),
        (&json!("One."), &json!(5)),
        "{one}"
    );
    let two = ask(&host, "library", json!({ "prompt": "Hello", "times": 2 })).await;
    assert!(two["failure"].to_string().contains("the script is busy"), "{two}");
    assert_eq!(requests(&host, &two).await.len(), 2);
}

#[tokio::test]
async fn a_simulation_takes_what_the_scenario_says_and_asks_nobody() {
    let server = Witness::start().await;
    let host = library(openai(&server.url("/v1"))).start().await;
    let path = "/api/v1/runtimes/library/playbooks/ask/simulate";
    let given = json!({ "content": "As written.", "model": "none" });
    let scenario = json!({ "input": { "prompt": "Hello" }, "steps": { "ask": { "result": given } } });
    let told = host.post(path, json!({ "scenario": scenario.to_string() })).await.is(200);
    assert!(told.to_string().contains("As written."), "{told}");
    let bare = json!({ "input": { "prompt": "Hello" } }).to_string();
    let told = host.post(path, json!({ "scenario": bare })).await.is(200);
    assert!(told.to_string().contains("sampler/ask"), "it says what to write: {told}");
    assert_eq!(server.total(), 0);
}

#[tokio::test]
async fn a_plugin_that_is_tried_out_by_itself_asks_nobody() {
    let host = library(json!({ "provider": "scripted", "answers": [{ "content": "Yes." }] })).start().await;
    let file = guest("odd-sampler").display().to_string();
    let call = ["plugin", "test", &file, "--operation", "sample", "--input", "\"Hello\""];
    let ended = orgata(host.folder(), &call, "").await;
    assert_eq!(ended.code, Some(1), "{}{}", ended.stdout, ended.stderr);
    assert!(ended.stdout.contains("grant model: true"), "{}{}", ended.stdout, ended.stderr);
}

//! An operation that asks an AI model, written and tested by an assistant without any model.

use orgata_tests::{HostSetup, TestHost};
use serde_json::{Value, json};

use crate::assistant::BOTH;
use crate::{Assistant, Era};

/// Asks as often as its input says, and gives what came; what it is refused is a failure.
const CLASSIFIER: &str = r#"
import model from "orgata:plugin/model@1.0.0";
const responseSchema = JSON.stringify({ enum: ["spam", "ham"] });
export const operations = {
  describe() {
    return { name: "classifier", version: "1.0.0", description: "Sorts letters.", operations: [{
      name: "sort", title: undefined, description: "Asks a model whether letters are spam.", idempotent: true, tags: [],
      inputSchema: '{"type":"array","items":{"type":"string"}}', outputSchema: '{"type":"array"}', examples: [],
    }] };
  },
  execute(call, input) {
    const sorted = JSON.parse(input).map((content) => {
      try {
        return JSON.parse(model.sample({ messages: [{ role: "user", content }], maxTokens: 10, responseSchema }).content);
      } catch (error) {
        const { tag, val } = error.payload ?? { tag: "broken", val: String(error) };
        throw { tag: "permanent", val: { code: tag, message: val, details: undefined } };
      }
    });
    return { tag: "done", val: JSON.stringify(sorted) };
  },
  resume() { throw { tag: "permanent", val: { code: "asks-nobody", message: "it asks no questions", details: undefined } }; },
};
"#;

/// A runtime with a script of its own, one that grants a model and has none, and one that grants none.
async fn desk() -> TestHost {
    let model = json!({ "provider": "scripted", "answers": [{ "content": "\"ham\"" }] });
    let granted = json!({ "grants": { "classifier": { "model": true } }, "model": model });
    let silent = json!({ "grants": { "classifier": { "model": true } } });
    let setup = HostSetup::new().runtime("scripted", granted).runtime("silent", silent);
    setup.runtime("bare", json!({})).start().await
}

/// Builds it as an assistant does: the draft's digest.
async fn built(assistant: &Assistant) -> Value {
    let package = json!({ "main": "plugin.js", "orgata": { "world": "plugin" } });
    let files = json!([
        { "path": "plugin.js", "text": CLASSIFIER },
        { "path": "package.json", "text": package.to_string() },
    ]);
    let draft = assistant.call("build_operation", json!({ "language": "javascript", "files": files })).await;
    assert_eq!(draft["plugin"]["effect"], "effectful", "{draft:#}");
    draft["digest"].clone()
}

/// A case with so many letters and these answers of the model.
fn case(letters: usize, answers: Value) -> Value {
    json!({ "operation": "sort", "input": vec!["Dear friend"; letters], "modelAnswers": answers })
}

fn says(what: &str) -> Value {
    json!({ "content": format!("{what:?}"), "inputTokens": 5, "outputTokens": 1 })
}

/// What came of the only case.
async fn tried(assistant: &Assistant, digest: &Value, runtime: Option<&str>, case: Value) -> Value {
    let with = json!({ "digest": digest, "runtimeId": runtime, "cases": [case] });
    let tested = assistant.call("test_operation", with).await;
    assert_eq!(tested["trials"].as_array().unwrap().len(), 1, "{tested:#}");
    tested["trials"][0].clone()
}

#[tokio::test]
async fn a_case_says_what_the_model_answers_and_nobody_is_asked() {
    let host = desk().await;
    for era in BOTH {
        let assistant = Assistant::plain(&host, era).await;
        let digest = built(&assistant).await;
        let mut two = case(2, json!([says("spam"), says("ham")]));
        two["expected"] = json!(["spam", "ham"]);
        // With what a runtime grants, with what one does not grant, and with nothing.
        for runtime in [Some("scripted"), Some("bare"), None] {
            let trial = tried(&assistant, &digest, runtime, two.clone()).await;
            assert_eq!(trial["verdict"], "passed", "{runtime:?}: {trial:#}");
        }
        two["expected"] = json!(["ham", "ham"]);
        let trial = tried(&assistant, &digest, None, two).await;
        assert_eq!((&trial["verdict"], &trial["output"]), (&json!("failed"), &json!(["spam", "ham"])));
        assert_eq!(trial["differences"][0]["pointer"], "/0", "{trial:#}");
    }
}

#[tokio::test]
async fn what_the_model_refuses_is_the_operations_to_handle_as_ever() {
    let host = desk().await;
    let assistant = Assistant::plain(&host, Era::Stateless).await;
    let digest = built(&assistant).await;
    for (answers, told) in [
        (json!([{ "error": "the server is down" }]), "the server is down"),
        (json!([{ "content": "\"perhaps\"" }]), "it does not satisfy the response schema"),
        (json!([{ "content": "spam" }]), "it should be JSON"),
    ] {
        let trial = tried(&assistant, &digest, None, case(1, answers)).await;
        assert_eq!(trial["failure"]["code"], "unavailable", "{trial:#}");
        assert!(trial["failure"]["message"].as_str().unwrap().contains(told), "{told}: {trial:#}");
    }
}

#[tokio::test]
async fn a_request_more_than_the_case_answers_is_told_with_what_to_write() {
    let host = desk().await;
    let assistant = Assistant::plain(&host, Era::Stateless).await;
    let digest = built(&assistant).await;
    // The script of the runtime answers for ever; that of a case does not.
    let trial = tried(&assistant, &digest, Some("scripted"), case(3, json!([]))).await;
    assert_eq!(trial["output"], json!(["ham", "ham", "ham"]), "{trial:#}");
    for runtime in [Some("scripted"), None] {
        let trial = tried(&assistant, &digest, runtime, case(3, json!([says("spam"), says("ham")]))).await;
        let told = trial["failure"]["message"].as_str().unwrap();
        assert!(told.contains("modelAnswers has 2, so add what it answers to request 3"), "{trial:#}");
    }
    // Without any there is no model, and what is missing is named.
    for (runtime, what) in
        [(None, "model: true"), (Some("bare"), "model: true"), (Some("silent"), "modelAnswers")]
    {
        let trial = tried(&assistant, &digest, runtime, case(1, json!([]))).await;
        assert!(trial["failure"]["message"].as_str().unwrap().contains(what), "{runtime:?}: {trial:#}");
    }
}

#[tokio::test]
async fn a_script_that_is_none_is_refused_before_anything_is_run() {
    let host = desk().await;
    let assistant = Assistant::plain(&host, Era::Stateless).await;
    let digest = built(&assistant).await;
    let cases = json!([
        case(1, json!([says("spam")])),
        case(1, json!([says("ham"), { "content": "x", "error": "y" }]))
    ]);
    let refused = assistant.refused("test_operation", json!({ "digest": digest, "cases": cases })).await;
    assert_eq!(refused["code"], "BAD_REQUEST", "{refused:#}");
    let told = refused["message"].as_str().unwrap();
    assert!(told.contains("cases[1].modelAnswers[1]: write one of `content` and `error`"), "{told}");
}

//! Prompts, as an assistant gets them.

use orgata_tests::TestHost;
use orgata_tests::matchers::{asked, completed};
use rmcp::model::*;
use serde_json::{Value, json};

use crate::assistant::BOTH;
use crate::{Assistant, Era};

async fn get(assistant: &Assistant, name: &str, arguments: Value) -> Result<String, String> {
    let Value::Object(arguments) = arguments else { panic!("arguments are an object") };
    let params = GetPromptRequestParams::new(name).with_arguments(arguments);
    let prompt = assistant.client.get_prompt(params).await.map_err(|error| error.to_string())?;
    Ok(prompt.messages.iter().map(shown).collect::<Vec<_>>().join("\n---\n"))
}

/// A message, with what a resource says instead of the resource.
fn shown(message: &PromptMessage) -> String {
    match &message.content {
        ContentBlock::Text(text) => text.text.clone(),
        ContentBlock::Resource(resource) => format!("[{}]", json!(resource.resource)),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn an_operation_is_written_with_the_contract_an_example_and_the_checks_at_hand() {
    let host = TestHost::kitchen().await;
    for era in BOTH {
        let assistant = Assistant::plain(&host, era).await;
        let arguments = json!({
            "purpose": "Toast bread", "name": "kitchen/toast", "language": "js", "effect": "pure", "runtime": "kitchen-v1",
        });
        let prompt = get(&assistant, "generate_operation_prompt", arguments).await.unwrap();
        for part in [
            "Purpose: Toast bread",
            "Name: kitchen/toast",
            "package orgata:plugin@1.0.0;",
            "```js",
            "orgata plugin test FILE",
            "orgata://runtime/kitchen-v1",
        ] {
            assert!(prompt.contains(part), "{part}");
        }
        let refused = get(&assistant, "generate_operation_prompt", json!({})).await.unwrap_err();
        assert!(refused.contains("needs `purpose`"), "{refused}");
        let cobol = json!({ "purpose": "x", "language": "cobol" });
        assert!(get(&assistant, "generate_operation_prompt", cobol).await.unwrap_err().contains("rust, js"));
    }
}

#[tokio::test]
async fn business_logic_is_checked_with_everything_that_it_leans_on() {
    let host = TestHost::kitchen().await;
    let assistant = Assistant::plain(&host, Era::Stateless).await;
    let arguments =
        json!({ "runtime": "kitchen-v1", "playbook": "pbj-sandwich", "rules": "Nobody is served mustard." });
    let prompt = get(&assistant, "validate_business_logic", arguments).await.unwrap();
    for part in [
        "Nobody is served mustard.",
        "orgata://playbook/kitchen-v1/pbj-sandwich",
        "orgata://operation/kitchen-v1/kitchen/assemble",
        "orgata://role/kitchen-v1/customer",
    ] {
        assert!(prompt.contains(part), "{part}");
    }
    let nothing = json!({ "runtime": "kitchen-v1", "playbook": "nothing" });
    assert!(get(&assistant, "validate_business_logic", nothing).await.unwrap_err().contains("pbj-sandwich"));
}

#[tokio::test]
async fn improvements_are_sought_in_what_an_execution_took() {
    let host = TestHost::kitchen().await;
    let id = host.begin("pbj-sandwich", json!({ "sandwichType": "classic" })).await;
    let question = host.until(&id, asked("choose-jelly")).await;
    let assistant = Assistant::plain(&host, Era::Stateless).await;
    let sought = async || {
        get(&assistant, "suggest_process_improvements", json!({ "execution": id.0, "goal": "time" }))
            .await
            .unwrap()
    };
    assert!(sought().await.contains("`choose-jelly` still waits for an answer"));
    host.answer(&id, &question, json!({ "jelly_flavor": "grape" })).await.accepted();
    host.until(&id, completed()).await;
    let prompt = sought().await;
    let row = prompt.lines().find(|line| line.starts_with("| choose-jelly |")).unwrap();
    assert!(row.contains("local") && row.ends_with("completed |"), "{row}");
    let row = prompt.lines().find(|line| line.starts_with("| assemble |")).unwrap();
    assert!(row.contains("| 1 |") && row.ends_with("completed |"), "{row}");
}

//! Prompts, as an assistant gets them: whole, with what is embedded, on real hosts.
//!
//! The snapshots are to be read as an assistant reads them who has seen nothing else.

use orgata_tests::matchers::{asked, completed, step_completed, waiting};
use orgata_tests::{HostSetup, TestHost};
use rmcp::model::*;
use serde_json::{Value, json};

use crate::Assistant;
use crate::assistant::BOTH;
use crate::redacted::redacted;

/// What prompts quote as it is: named in snapshots, so that a comment in one of these is no change of a prompt.
const QUOTED: [(&str, &str); 3] = [
    ("wit/plugin.wit", include_str!("../../../wit/plugin.wit")),
    ("plugins/kitchen/src/lib.rs", include_str!("../../../plugins/kitchen/src/lib.rs")),
    ("plugins/text/text.js", include_str!("../../../plugins/text/text.js")),
];

async fn get(assistant: &Assistant, name: &str, arguments: &Value) -> Result<String, String> {
    let Value::Object(arguments) = arguments.clone() else { panic!("arguments are an object") };
    let params = GetPromptRequestParams::new(name).with_arguments(arguments);
    let prompt = assistant.client.get_prompt(params).await.map_err(|error| error.to_string())?;
    Ok(prompt.messages.iter().map(shown).collect::<Vec<_>>().join("\n"))
}

/// A prompt in both revisions, where it says the same.
async fn in_both(host: &TestHost, name: &str, arguments: Value) -> String {
    let mut told = Vec::new();
    for era in BOTH {
        let assistant = Assistant::plain(host, era).await;
        told.push(redacted(&get(&assistant, name, &arguments).await.unwrap()));
    }
    assert_eq!(told[0], told[1], "a prompt says the same in every revision");
    told.remove(0)
}

/// A refusal in both revisions, where it is the same but for the id of the request.
async fn refused(host: &TestHost, name: &str, arguments: Value) -> String {
    let mut told = Vec::new();
    for era in BOTH {
        let assistant = Assistant::plain(host, era).await;
        told.push(redacted(&get(&assistant, name, &arguments).await.unwrap_err()));
    }
    assert_eq!(told[0], told[1], "a refusal says the same in every revision");
    told.remove(0)
}

/// A message under a line that says what it is.
fn shown(message: &PromptMessage) -> String {
    assert_eq!(message.role, Role::User);
    match &message.content {
        ContentBlock::Text(text) => format!("=== text\n{}", quoted(&text.text)),
        ContentBlock::Resource(embedded) => match &embedded.resource {
            ResourceContents::TextResourceContents { uri, mime_type, text, .. } => {
                let kind = mime_type.as_deref().unwrap_or("no type");
                format!("=== {uri} ({kind})\n{}", laid_out(kind, text))
            }
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    }
}

fn quoted(text: &str) -> String {
    QUOTED.iter().fold(text.to_owned(), |text, (file, whole)| {
        text.replace(whole, &format!("({file} stands here, whole)\n"))
    })
}

/// JSON line by line: a snapshot of one line cannot be read.
fn laid_out(kind: &str, text: &str) -> String {
    match kind {
        "application/json" => format!("{:#}", serde_json::from_str::<Value>(text).unwrap()),
        _ => text.to_owned(),
    }
}

#[tokio::test]
async fn an_operation_is_written_with_the_contract_an_example_and_the_checks_at_hand() {
    let host = TestHost::kitchen().await;
    let bare = json!({ "purpose": "Toast bread" });
    insta::assert_snapshot!("operation", in_both(&host, "generate_operation_prompt", bare).await);
    let full = json!({
        "purpose": "Toast bread", "name": "kitchen/toast", "language": "rust", "effect": "effectful", "runtime": "kitchen-v1",
        "input": r#"{ "slices": 2 }"#, "output": r#"{"type":"object","properties":{"toasted":{"type":"integer"}}}"#,
    });
    insta::assert_snapshot!("operation-full", in_both(&host, "generate_operation_prompt", full).await);
    let wrong = [
        json!({}),
        json!({ "purpose": "x", "language": "cobol" }),
        json!({ "purpose": "x", "effect": "magical" }),
        json!({ "purpose": "x", "name": "Not A Name" }),
        json!({ "purpose": "x", "runtime": "cellar" }),
        json!({ "purpose": "x", "colour": "red" }),
    ];
    let mut told = String::new();
    for arguments in wrong {
        let refusal = refused(&host, "generate_operation_prompt", arguments.clone()).await;
        told.push_str(&format!("{arguments}\n  {refusal}\n"));
    }
    insta::assert_snapshot!("operation-refused", told);
}

#[tokio::test]
async fn business_logic_is_checked_with_everything_that_it_leans_on() {
    let setup = HostSetup::kitchen().plugin("shop").example("order-fulfilment").example("pack-order");
    let host = setup.start().await;
    let arguments = |name: &str| json!({ "runtime": "kitchen-v1", "playbook": name });
    let mut ruled = arguments("pbj-sandwich");
    ruled["rules"] = json!("Nobody is served mustard.");
    insta::assert_snapshot!("logic", in_both(&host, "validate_business_logic", ruled).await);
    let nested = in_both(&host, "validate_business_logic", arguments("order-fulfilment")).await;
    insta::assert_snapshot!("logic-nested", nested);
    host.plugins().remove("shop");
    host.until_retired("shop").await;
    let without = in_both(&host, "validate_business_logic", arguments("pack-order")).await;
    insta::assert_snapshot!("logic-without-plugin", without);
    let nothing = refused(&host, "validate_business_logic", arguments("nothing")).await;
    let nowhere = json!({ "runtime": "cellar", "playbook": "pbj-sandwich" });
    let nowhere = refused(&host, "validate_business_logic", nowhere).await;
    insta::assert_snapshot!("logic-refused", format!("{nothing}\n{nowhere}\n"));
}

#[tokio::test]
async fn improvements_are_sought_in_what_an_execution_took() {
    let host = TestHost::kitchen().await;
    let id = host.begin("pbj-sandwich", json!({ "sandwichType": "classic" })).await;
    let question = host.until(&id, asked("choose-jelly")).await;
    let sought = async |goal: Option<&str>| {
        let arguments = json!({ "execution": id.0, "goal": goal });
        in_both(&host, "suggest_process_improvements", arguments).await
    };
    insta::assert_snapshot!("improvements-waiting", sought(None).await);
    host.answer(&id, &question, json!({ "jelly_flavor": "grape" })).await.accepted();
    host.until(&id, completed()).await;
    insta::assert_snapshot!("improvements", sought(Some("less waiting")).await);
    let unknown = json!({ "execution": "exec_00000000000000000000000000000000" });
    let unknown = refused(&host, "suggest_process_improvements", unknown).await;
    let none = refused(&host, "suggest_process_improvements", json!({ "execution": "sandwich" })).await;
    insta::assert_snapshot!("improvements-refused", format!("{unknown}\n{none}\n"));
}

#[tokio::test]
async fn what_is_inside_of_loops_and_groups_is_counted_too() {
    let setup = HostSetup::kitchen().plugin("shop").example("order-fulfilment").example("pack-order");
    let host = setup.start().await;
    let line = json!({ "item": "lamp", "quantity": 1, "price": 4_990 });
    let order = json!({
        "order": "A-17", "mail": "ada@example.com", "address": "Home", "express": false, "lines": [line],
    });
    let id = host.begin("order-fulfilment", order).await;
    host.until(&id, waiting("paid")).await;
    host.until(&id, step_completed("pack")).await;
    let told = in_both(&host, "suggest_process_improvements", json!({ "execution": id.0 })).await;
    // The rest of it is what the others show.
    let table = told.split("=== text\nThe playbook").next().unwrap();
    insta::assert_snapshot!("improvements-nested", table);
}

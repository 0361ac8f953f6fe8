//! Every tool, every kind of resource and every prompt of MCP, and what it asks for. One without a row fails the test.

use std::collections::BTreeSet;

use axum::body::Body;
use orgata_model::Digest;
use orgata_model::access::Access::{Read, Write};
use orgata_model::access::Resource::{Execution, Intervention, Operation, Playbook, Plugin, Role, Runtime};
use serde_json::{Value, json};

use crate::support::{HELLO, request};
use crate::world::Where::{Anywhere, Everywhere, There};
use crate::world::{Asks, World, asks, callers};

/// Tool, what it asks for (nothing: each caller is shown what it may see), arguments.
fn tools(world: &World) -> Vec<(&'static str, Option<Asks>, Value)> {
    let runtime = "in-production";
    let (waiting, question) = (&world.waiting.0, &world.waiting.1);
    let one = || json!({ "executionId": waiting });
    let steered = || json!({ "executionId": world.steered });
    let digest = Digest::of(b"words").to_string();
    let draft = || json!({ "digest": digest });
    let look = || Some(asks(Execution, Read, There));
    let steer = || Some(asks(Execution, Write, There));
    let author = || Some(asks(Plugin, Write, Everywhere));
    vec![
        ("list_runtimes", None, json!({})),
        ("list_executions", None, json!({})),
        ("get_pending_interventions", None, json!({})),
        ("list_playbooks", Some(asks(Playbook, Read, There)), json!({ "runtimeId": runtime })),
        ("list_operations", Some(asks(Operation, Read, There)), json!({ "runtimeId": runtime })),
        (
            "execute_playbook",
            steer(),
            json!({ "runtimeId": runtime, "playbookName": "hello", "input": { "who": "x" } }),
        ),
        ("get_execution", look(), one()),
        ("get_execution_state", look(), one()),
        ("get_execution_history", look(), one()),
        ("get_execution_timeline", look(), one()),
        ("pause_execution", steer(), steered()),
        ("resume_execution", steer(), steered()),
        ("cancel_execution", steer(), steered()),
        ("retry_execution", steer(), steered()),
        ("skip_step", steer(), json!({ "executionId": world.steered, "step": "gather" })),
        ("fork_execution", steer(), one()),
        ("send_event", steer(), json!({ "runtimeId": runtime, "event": "x" })),
        (
            "intervene_execution",
            Some(asks(Intervention, Write, There)),
            json!({ "executionId": waiting, "interventionId": question, "response": 7 }),
        ),
        (
            "check_playbook",
            Some(asks(Playbook, Read, There)),
            json!({ "runtimeId": runtime, "source": HELLO }),
        ),
        (
            "publish_playbook",
            Some(asks(Playbook, Write, There)),
            json!({ "runtimeId": runtime, "source": HELLO }),
        ),
        // It takes looking at playbooks as well: the table of REST has the rest.
        ("simulate_playbook", None, json!({ "runtimeId": runtime, "playbookName": "none-such" })),
        ("list_plugins", Some(asks(Plugin, Read, Anywhere)), json!({})),
        ("rollback_plugin", author(), json!({ "pluginName": "words" })),
        ("scaffold_operation", author(), json!({ "name": "a/b", "language": "rust" })),
        ("build_operation", author(), json!({ "language": "rust", "files": [] })),
        ("validate_operation", author(), draft()),
        ("test_operation", author(), draft()),
        ("load_operation", author(), draft()),
    ]
}

fn resources(world: &World) -> Vec<(&'static str, Asks, String)> {
    vec![
        ("runtime", asks(Runtime, Read, There), "orgata://runtime/in-production".into()),
        ("playbook", asks(Playbook, Read, There), "orgata://playbook/in-production/hello".into()),
        ("role", asks(Role, Read, There), "orgata://role/in-production/clerk".into()),
        ("operation", asks(Operation, Read, There), "orgata://operation/in-production/words/echo".into()),
        ("execution", asks(Execution, Read, There), format!("orgata://execution/{}", world.waiting.0)),
    ]
}

/// Asks as a client of the revision without sessions does.
async fn ask(world: &World, key: Option<&str>, method: &str, name: &str, mut params: Value) -> (u16, Value) {
    params["_meta"] = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": { "name": "bare", "version": "1" },
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
    let mut request = request("POST", "/mcp")
        .header("content-type", "application/json")
        .header("accept", "application/json, text/event-stream")
        .header("mcp-protocol-version", "2026-07-28")
        .header("mcp-method", method);
    if !name.is_empty() {
        request = request.header("mcp-name", name);
    }
    if let Some(key) = key {
        request = request.header("authorization", format!("Bearer {key}"));
    }
    let answer = world.host.ask(request.body(Body::from(body.to_string())).unwrap()).await;
    let text =
        answer.text.lines().find_map(|line| line.strip_prefix("data: {")).map(|rest| format!("{{{rest}"));
    (answer.status.as_u16(), serde_json::from_str(&text.unwrap_or(answer.text)).unwrap_or_default())
}

/// The code of a refusal, wherever in the answer it is.
pub(crate) fn code(answer: &Value) -> Option<String> {
    let told = answer.pointer("/result/content/0/text").and_then(Value::as_str);
    let told: Value = told.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    let places = ["/error/data/error/code", "/error/code"];
    let outside = places.iter().find_map(|place| answer.pointer(place).and_then(Value::as_str));
    told.pointer("/error/code").and_then(Value::as_str).or(outside).map(str::to_owned)
}

fn is_let_in(answer: &Value) -> bool {
    let denied = ["UNAUTHENTICATED", "FORBIDDEN", "RUNTIME_NOT_FOUND", "EXECUTION_NOT_FOUND"];
    assert!(answer.is_object(), "{answer}");
    !code(answer).is_some_and(|code| denied.contains(&code.as_str()))
}

fn names(listed: &Value, list: &str, name: &str) -> BTreeSet<String> {
    let items = listed["result"][list].as_array().unwrap_or_else(|| panic!("{listed}"));
    items.iter().map(|item| item[name].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_tool_lets_in_whom_its_rule_says_and_nobody_else() {
    let mut world = World::new().await;
    let everybody = crate::world::callers(asks(Runtime, Read, There)).remove(0);
    let anybody = world.key(&everybody).await;
    let (_, listed) = ask(&world, Some(&anybody), "tools/list", "", json!({})).await;
    let rows = tools(&world);
    let in_table: BTreeSet<String> = rows.iter().map(|row| row.0.to_owned()).collect();
    assert_eq!(in_table, names(&listed, "tools", "name"), "each tool has a row, and each row a tool");
    for (tool, rule, arguments) in rows {
        let params = json!({ "name": tool, "arguments": arguments });
        let (status, answer) = ask(&world, None, "tools/call", tool, params.clone()).await;
        assert_eq!((status, code(&answer).as_deref()), (401, Some("UNAUTHENTICATED")), "{tool}: {answer}");
        let Some(asked) = rule else { continue };
        for who in callers(asked) {
            let key = world.key(&who).await;
            let (_, answer) = ask(&world, Some(&key), "tools/call", tool, params.clone()).await;
            assert_eq!(is_let_in(&answer), who.may(asked), "{tool} for {who:?}: {answer}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_resource_is_read_by_whom_its_rule_says_and_nobody_else() {
    let mut world = World::new().await;
    let everybody = crate::world::callers(asks(Runtime, Read, There)).remove(0);
    let anybody = world.key(&everybody).await;
    let (_, listed) = ask(&world, Some(&anybody), "resources/templates/list", "", json!({})).await;
    let rows = resources(&world);
    let in_table: BTreeSet<String> = rows.iter().map(|row| row.0.to_owned()).collect();
    assert_eq!(in_table, names(&listed, "resourceTemplates", "name"));
    for (kind, asked, uri) in rows {
        for who in callers(asked) {
            let key = world.key(&who).await;
            let (_, answer) = ask(&world, Some(&key), "resources/read", &uri, json!({ "uri": uri })).await;
            assert_eq!(is_let_in(&answer), who.may(asked), "{kind} for {who:?}: {answer}");
        }
    }
}

#[tokio::test]
async fn prompts_tell_of_what_the_caller_may_see() {
    let mut world = World::new().await;
    let execution = world.waiting.0.clone();
    let rows = [
        (
            "validate_business_logic",
            Some(asks(Playbook, Read, There)),
            json!({ "runtime": "in-production", "playbook": "hello" }),
        ),
        (
            "suggest_process_improvements",
            Some(asks(Execution, Read, There)),
            json!({ "execution": execution }),
        ),
        ("generate_operation_prompt", None, json!({})),
    ];
    let everybody = crate::world::callers(asks(Runtime, Read, There)).remove(0);
    let anybody = world.key(&everybody).await;
    let (_, listed) = ask(&world, Some(&anybody), "prompts/list", "", json!({})).await;
    let in_table: BTreeSet<String> = rows.iter().map(|row| row.0.to_owned()).collect();
    assert_eq!(in_table, names(&listed, "prompts", "name"));
    for (prompt, asked, arguments) in rows {
        let Some(asked) = asked else { continue };
        for who in callers(asked) {
            let key = world.key(&who).await;
            let params = json!({ "name": prompt, "arguments": arguments });
            let (_, answer) = ask(&world, Some(&key), "prompts/get", prompt, params).await;
            assert_eq!(is_let_in(&answer), who.may(asked), "{prompt} for {who:?}: {answer}");
        }
    }
}

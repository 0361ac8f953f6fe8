//! Every endpoint of the OpenAPI document, and what it asks for. An endpoint without a row fails the test.

use std::collections::BTreeSet;

use orgata_model::Digest;
use orgata_model::access::Access::{Admin, Read, Write};
use orgata_model::access::Resource::{
    Audit, Execution, Intervention, Key, Operation, Playbook, Plugin, Role, Runtime, Secret,
};
use orgata_model::runtime::{Environment, Runtime as RuntimeSettings};
use serde_json::{Value, json};

use crate::support::HELLO;
use crate::world::Where::{Anywhere, Everywhere, There};
use crate::world::{Asks, THERE, Who, World, asks, bare, callers};

/// Who is let in.
enum Rule {
    /// Everybody, without a word.
    Open,
    /// Everybody who proves who they are; each is shown what it may see.
    Known,
    /// Whoever may do this.
    May(Asks),
}
use Rule::{Known, May, Open};

/// What is sent.
enum Sent {
    Nothing,
    Json(Value),
    Other(&'static str, String),
}
use Sent::{Json, Nothing, Other};

const R: &str = "/api/v1/runtimes/in-production";

/// Operation, its rule, path, body.
fn rows(world: &World) -> Vec<(&'static str, Rule, String, Sent)> {
    let (waiting, question) = (&world.waiting.0, &world.waiting.1);
    let e = |rest: &str| format!("/api/v1/executions/{waiting}{rest}");
    let s = |rest: &str| format!("/api/v1/executions/{}{rest}", world.steered);
    let r = |rest: &str| format!("{R}{rest}");
    let p = |rest: &str| format!("/api/v1{rest}");
    let digest = Digest::of(b"words");
    let look = || May(asks(Execution, Read, There));
    let steer = || May(asks(Execution, Write, There));
    let author = || May(asks(Plugin, Write, Everywhere));
    let nobodys = || Json(json!({}));
    let history = world.history.clone();
    let scaffold = json!({ "name": "a/b", "language": "rust" });
    let build = json!({ "language": "rust", "files": [] });
    let check = || Other("application/yaml", HELLO.to_owned());
    vec![
        ("getHealth", Open, "/health".into(), Nothing),
        ("getReadiness", Open, "/ready".into(), Nothing),
        ("getOpenApi", Open, "/api/openapi.json".into(), Nothing),
        ("getMetrics", Known, "/metrics".into(), Nothing),
        ("listRuntimes", Known, p("/runtimes"), Nothing),
        ("listExecutions", Known, p("/executions"), Nothing),
        ("listInterventions", Known, p("/interventions"), Nothing),
        ("takeTicket", Known, p("/tickets"), Nothing),
        ("connect", Known, p("/ws"), Nothing),
        (
            "createRuntime",
            May(asks(Runtime, Write, There)),
            p("/runtimes"),
            Json(json!({ "runtimeId": "in-production", "environment": "production" })),
        ),
        ("getRuntime", May(asks(Runtime, Read, There)), r(""), Nothing),
        ("retireRuntime", May(asks(Runtime, Write, There)), p("/runtimes/spare"), Nothing),
        (
            "executePlaybook",
            steer(),
            r("/executions"),
            Json(json!({ "playbookName": "hello", "input": { "who": "x" } })),
        ),
        ("getExecution", look(), e(""), Nothing),
        ("getExecutionState", look(), e("/state"), Nothing),
        ("getExecutionHistory", look(), e("/history"), Nothing),
        ("getExecutionTimeline", look(), e("/timeline"), Nothing),
        ("exportExecution", look(), e("/export"), Nothing),
        ("pauseExecution", steer(), s("/pause"), Json(json!({}))),
        ("resumeExecution", steer(), s("/resume"), Json(json!({}))),
        ("cancelExecution", steer(), s("/cancel"), Json(json!({}))),
        // It has ended by now, so following it does too.
        ("followExecution", look(), s("/events?fromSeq=1000"), Nothing),
        ("retryExecution", steer(), s("/retry"), Json(json!({}))),
        ("skipStep", steer(), s("/skip"), Json(json!({ "step": "gather" }))),
        ("holdStep", steer(), s("/hold"), Json(json!({ "step": "spread", "prompt": "Well?" }))),
        ("forkExecution", steer(), e("/fork"), Json(json!({}))),
        ("sendExecutionEvent", steer(), s("/events"), Json(json!({ "event": "x" }))),
        ("sendEvent", steer(), r("/events"), Json(json!({ "event": "x" }))),
        (
            "pauseExecutions",
            May(asks(Execution, Write, Anywhere)),
            p("/executions/pause?label=no:body"),
            nobodys(),
        ),
        (
            "resumeExecutions",
            May(asks(Execution, Write, Anywhere)),
            p("/executions/resume?label=no:body"),
            nobodys(),
        ),
        (
            "cancelExecutions",
            May(asks(Execution, Write, Anywhere)),
            p("/executions/cancel?label=no:body"),
            nobodys(),
        ),
        (
            "purgeExecutions",
            May(asks(Execution, Admin, Anywhere)),
            p("/executions/purge?label=no:body"),
            nobodys(),
        ),
        ("deleteExecution", May(asks(Execution, Admin, There)), e(""), Nothing),
        (
            "importExecution",
            May(asks(Execution, Admin, There)),
            r("/executions/import"),
            Other("application/x-ndjson", history),
        ),
        ("getPendingInterventions", May(asks(Intervention, Read, There)), e("/interventions"), Nothing),
        (
            "answerIntervention",
            May(asks(Intervention, Write, There)),
            e(&format!("/interventions/{question}")),
            Json(json!({ "response": 7 })),
        ),
        ("listPlaybooks", May(asks(Playbook, Read, There)), r("/playbooks"), Nothing),
        ("getPlaybook", May(asks(Playbook, Read, There)), r("/playbooks/hello"), Nothing),
        ("getPlaybookSchema", May(asks(Playbook, Read, There)), r("/playbooks/hello/schema"), Nothing),
        ("drawPlaybook", May(asks(Playbook, Read, There)), r("/playbooks/hello/graph"), Nothing),
        ("checkPlaybook", May(asks(Playbook, Read, There)), r("/playbooks/check"), check()),
        ("listSchedules", May(asks(Playbook, Read, There)), r("/schedules"), Nothing),
        ("publishPlaybook", May(asks(Playbook, Write, There)), r("/playbooks/hello"), check()),
        ("retirePlaybook", May(asks(Playbook, Write, There)), r("/playbooks/none-such"), Nothing),
        ("getRole", May(asks(Role, Read, There)), r("/roles/clerk"), Nothing),
        ("listOperations", May(asks(Operation, Read, There)), r("/operations"), Nothing),
        ("getOperation", May(asks(Operation, Read, There)), r("/operations/echo"), Nothing),
        ("getOperationOfPlugin", May(asks(Operation, Read, There)), r("/operations/words/echo"), Nothing),
        ("listPlugins", May(asks(Plugin, Read, Anywhere)), p("/plugins"), Nothing),
        ("getPlugin", May(asks(Plugin, Read, Anywhere)), p(&format!("/plugins/{digest}")), Nothing),
        ("uploadPlugin", author(), p("/plugins"), Other("application/wasm", "x".to_owned())),
        ("retirePlugin", author(), p(&format!("/plugins/{digest}")), Nothing),
        ("rollbackPlugin", author(), p("/plugins/words/rollback"), Json(json!({}))),
        ("scaffoldOperation", author(), p("/drafts/scaffold"), Json(scaffold)),
        ("buildOperation", author(), p("/drafts"), Json(build)),
        ("validateOperation", author(), p(&format!("/drafts/{digest}")), Nothing),
        ("testOperation", author(), p(&format!("/drafts/{digest}/test")), Json(json!({}))),
        ("loadOperation", author(), p(&format!("/drafts/{digest}/load")), Json(json!({}))),
        // It takes looking at playbooks as well: the next test has the other half.
        ("simulatePlaybook", Known, r("/playbooks/hello/simulate"), Json(json!({}))),
        (
            "createKey",
            May(asks(Key, Admin, Everywhere)),
            p("/keys"),
            Json(json!({ "name": "x", "kind": "assistant", "scopes": [] })),
        ),
        ("listKeys", May(asks(Key, Read, Everywhere)), p("/keys"), Nothing),
        (
            "revokeKey",
            May(asks(Key, Admin, Everywhere)),
            p("/keys/key_00000000000070008000000000000001"),
            Nothing,
        ),
        ("listAudit", May(asks(Audit, Read, Everywhere)), p("/audit"), Nothing),
        ("exportAudit", May(asks(Audit, Read, Everywhere)), p("/audit/export"), Nothing),
        ("verifyAudit", May(asks(Audit, Read, Everywhere)), p("/audit/verify"), Nothing),
        ("listSecrets", May(asks(Secret, Read, Everywhere)), p("/secrets"), Nothing),
        ("setSecret", May(asks(Secret, Write, Everywhere)), p("/secrets/A"), Json(json!({ "value": "x" }))),
        ("removeSecret", May(asks(Secret, Admin, Everywhere)), p("/secrets/NONE"), Nothing),
        ("rotateSecrets", May(asks(Secret, Admin, Everywhere)), p("/secrets/rotate"), Nothing),
    ]
}

/// Method by operation, from the document itself.
fn documented() -> Vec<(String, String)> {
    let document: Value = serde_json::from_str(&orgata_api::openapi_json()).unwrap();
    let paths = document["paths"].as_object().unwrap().values();
    let operations = paths.flat_map(|methods| methods.as_object().unwrap());
    let named = operations
        .map(|(method, it)| (it["operationId"].as_str().unwrap().to_owned(), method.to_uppercase()));
    named.collect()
}

/// What was said, as far as it tells whether somebody was let in.
async fn is_let_in(
    world: &World,
    key: &str,
    method: &str,
    path: &str,
    sent: &Sent,
) -> Result<(), (u16, String)> {
    let (kind, body) = match sent {
        Nothing => ("application/json", String::new()),
        Json(body) => ("application/json", body.to_string()),
        Other(kind, body) => (*kind, body.clone()),
    };
    let answer = world.ask(key, method, path, kind, body).await;
    let denied = matches!(answer.status.as_u16(), 401 | 403 | 404)
        && ["UNAUTHENTICATED", "FORBIDDEN", "RUNTIME_NOT_FOUND", "EXECUTION_NOT_FOUND"]
            .contains(&answer.code().as_str());
    if denied { Err((answer.status.as_u16(), answer.code())) } else { Ok(()) }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_endpoint_lets_in_whom_its_rule_says_and_nobody_else() {
    let mut world = World::new().await;
    let methods = documented();
    let rows = rows(&world);
    let in_table: BTreeSet<&str> = rows.iter().map(|row| row.0).collect();
    for (operation, _) in &methods {
        assert!(in_table.contains(operation.as_str()), "{operation} has no rule: give it a row here");
    }
    assert_eq!(in_table.len(), methods.len(), "a row speaks of no endpoint");
    let spare = RuntimeSettings::new("spare".parse().unwrap(), THERE);
    for (operation, rule, path, sent) in rows {
        let method = &methods.iter().find(|(name, _)| name == operation).unwrap().1;
        let stranger = world.host.ask(bare(method, &path)).await;
        assert_eq!(stranger.status == 401, !matches!(rule, Open), "{operation}: {}", stranger.text);
        let May(asked) = rule else { continue };
        for who in callers(asked) {
            if operation == "retireRuntime" {
                let _ =
                    world.host.engine.create_runtime(&orgata_engine::Principal::local(), spare.clone()).await;
            }
            let key = world.key(&who).await;
            let let_in = is_let_in(&world, &key, method, &path, &sent).await;
            match who.may(asked) {
                true => assert_eq!(let_in, Ok(()), "{operation} for {who:?}"),
                false => check_refusal(operation, asked, &who, let_in),
            }
        }
    }
}

/// Whoever may not enter the environment is told that there is nothing there.
fn check_refusal(operation: &str, asked: Asks, who: &Who, let_in: Result<(), (u16, String)>) {
    let (status, code) = match let_in {
        Err(refusal) => refusal,
        Ok(()) => panic!("{operation} lets in {who:?}"),
    };
    let sees = who.environments.contains(&THERE) && who.role.is_some();
    // Making a runtime is asked of a place that is not there yet.
    if asked.place == There && !sees && operation != "createRuntime" {
        assert_eq!(status, 404, "{operation} for {who:?}: {code}");
    } else {
        assert!(status == 403 || status == 404, "{operation} for {who:?}: {status} {code}");
    }
}

#[tokio::test]
async fn lists_show_what_the_caller_may_see() {
    let mut world = World::new().await;
    let mut shown = Vec::new();
    for environments in [vec![], vec![Environment::Development], vec![THERE], Environment::ALL.to_vec()] {
        for resource in [Runtime, Execution, Intervention] {
            let who = Who {
                kind: crate::world::KINDS[0],
                environments: environments.clone(),
                role: Some((resource, Read)),
                scope: None,
            };
            let key = world.key(&who).await;
            let mut line = format!("{} of {}:", resource.as_str(), environments.len());
            for list in ["/api/v1/runtimes", "/api/v1/executions", "/api/v1/interventions"] {
                let answer = world.get(&key, list).await;
                assert_eq!(answer.status, 200, "{}", answer.text);
                line.push_str(&format!(" {}", answer.json()["items"].as_array().unwrap().len()));
            }
            shown.push((environments.first().copied(), line));
        }
    }
    let lines: Vec<_> = shown.iter().map(|(_, line)| line.as_str()).collect();
    assert_eq!(
        lines,
        [
            "runtime of 0: 0 0 0",
            "execution of 0: 0 0 0",
            "intervention of 0: 0 0 0",
            // `kitchen-v1` of every host here, and its own; nothing runs in them.
            "runtime of 1: 2 0 0",
            "execution of 1: 0 0 0",
            "intervention of 1: 0 0 0",
            "runtime of 1: 1 0 0",
            "execution of 1: 0 2 0",
            "intervention of 1: 0 0 2",
            "runtime of 4: 5 0 0",
            "execution of 4: 0 2 0",
            "intervention of 4: 0 0 2",
        ]
    );
}

#[tokio::test]
async fn simulating_takes_looking_at_playbooks_and_starting_executions() {
    let world = World::new().await;
    for (roles, status) in [
        (&["playbook-read", "execution-write"][..], 200),
        (&["playbook-read"], 403),
        (&["execution-write"], 403),
        (&[], 404),
    ] {
        let who = crate::world::identity(
            &format!("s{}", roles.len() + usize::from(status)),
            crate::world::KINDS[0],
            roles,
        );
        let key = crate::world::make_key(&world.host.engine, who).await;
        let path = format!("{R}/playbooks/hello/simulate");
        let answer = world.post(&key, &path, json!({ "input": { "who": "x" } })).await;
        assert_eq!(answer.status, status, "{roles:?}: {}", answer.text);
    }
}

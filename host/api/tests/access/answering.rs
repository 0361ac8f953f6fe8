//! Who answers which question.

use orgata_engine::{Identity, Principal, PrincipalKind};
use serde_json::{Value, json};

use crate::mcp_table::code;
use crate::support::Answer;
use crate::world::{World, identity, make_key, runtime_of};

const QUESTIONS: &str = "
name: questions
steps:
  - name: people
    intervention: { type: approval, prompt: Do it?, humansOnly: true }
";
const OTHERS: &str = "
name: others
steps:
  - name: others
    intervention: { type: approval, prompt: Do it?, selfApproval: false }
";
const ROLE: &str = "
name: role
roles: [boss]
steps:
  - name: boss
    role: boss
    intervention: { type: approval, prompt: Do it? }
";

/// Somebody who may start executions and answer questions in production.
fn somebody(name: &str, kind: PrincipalKind, more: &[&str]) -> Identity {
    let mut roles = vec!["execution-write", "intervention-write", "playbook-read"];
    roles.extend(more);
    identity(name, kind, &roles)
}

struct Story {
    world: World,
    execution: String,
    question: String,
}

impl Story {
    /// An execution that this one started, and that waits.
    async fn begin(source: &str, key_of: &str, world: World) -> Self {
        let runtime = runtime_of(crate::world::THERE);
        let me = Principal::local();
        let id = runtime.parse().unwrap();
        let playbook =
            world.host.engine.publish_playbook(&me, &id, None, "q.yaml", source.to_owned()).await.unwrap();
        let path = format!("/api/v1/runtimes/{runtime}/executions?wait=10s");
        let started = world.post(key_of, &path, json!({ "playbookName": playbook.name.as_str() })).await;
        assert_eq!(started.json()["status"], "waiting", "{}", started.text);
        let execution = started.json()["executionId"].as_str().unwrap().to_owned();
        let open = world.host.engine.pending_interventions(&me, execution.parse().unwrap()).await.unwrap();
        Self { world, execution, question: open[0].intervention.id.to_string() }
    }

    async fn answer(&self, key: &str) -> Answer {
        let path = format!("/api/v1/executions/{}/interventions/{}", self.execution, self.question);
        self.world.post(key, &path, json!({ "response": { "decision": "approve" } })).await
    }

    async fn answer_by_tool(&self, key: &str) -> Value {
        let arguments = json!({
            "executionId": self.execution,
            "interventionId": self.question,
            "response": { "decision": "approve" },
        });
        let params = json!({ "name": "intervene_execution", "arguments": arguments, "_meta": {
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientInfo": { "name": "bare", "version": "1" },
            "io.modelcontextprotocol/clientCapabilities": {},
        }});
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params });
        let request = crate::support::request("POST", "/mcp")
            .header("content-type", "application/json")
            .header("accept", "application/json, text/event-stream")
            .header("mcp-protocol-version", "2026-07-28")
            .header("mcp-method", "tools/call")
            .header("mcp-name", "intervene_execution")
            .header("authorization", format!("Bearer {key}"));
        let answer =
            self.world.host.ask(request.body(axum::body::Body::from(body.to_string())).unwrap()).await;
        let text =
            answer.text.lines().find_map(|line| line.strip_prefix("data: {")).map(|rest| format!("{{{rest}"));
        serde_json::from_str(&text.unwrap_or(answer.text)).unwrap()
    }
}

#[tokio::test]
async fn an_assistant_does_not_answer_what_people_alone_may_answer() {
    let world = World::new().await;
    let bot = make_key(&world.host.engine, somebody("bot", PrincipalKind::Assistant, &[])).await;
    let ann = make_key(&world.host.engine, somebody("ann", PrincipalKind::User, &[])).await;
    let story = Story::begin(QUESTIONS, &bot, world).await;
    let refused = story.answer(&bot).await;
    assert_eq!((refused.status.as_u16(), refused.code().as_str()), (403, "FORBIDDEN"));
    // A person's key does not make an assistant's words a person's.
    for key in [&bot, &ann] {
        let refused = story.answer_by_tool(key).await;
        assert_eq!(code(&refused).as_deref(), Some("FORBIDDEN"), "{refused}");
    }
    assert_eq!(story.answer(&ann).await.status, 200);
}

#[tokio::test]
async fn an_assistant_does_not_approve_what_it_asked_for_itself() {
    let world = World::new().await;
    let bot = make_key(&world.host.engine, somebody("bot", PrincipalKind::Assistant, &[])).await;
    let again = make_key(&world.host.engine, somebody("bot", PrincipalKind::Assistant, &[])).await;
    let other = make_key(&world.host.engine, somebody("other", PrincipalKind::Assistant, &[])).await;
    let story = Story::begin(OTHERS, &bot, world).await;
    // Another key is not another principal.
    for key in [&bot, &again] {
        assert_eq!(story.answer(key).await.code(), "FORBIDDEN");
        let refused = story.answer_by_tool(key).await;
        assert_eq!(code(&refused).as_deref(), Some("FORBIDDEN"), "{refused}");
    }
    assert_eq!(story.answer(&other).await.status, 200);
}

#[tokio::test]
async fn a_role_is_answered_for_by_who_holds_it_and_shown_to_them_alone() {
    let world = World::new().await;
    let ann = make_key(&world.host.engine, somebody("ann", PrincipalKind::User, &[])).await;
    let boss = make_key(&world.host.engine, somebody("eve", PrincipalKind::User, &["boss"])).await;
    let story = Story::begin(ROLE, &ann, world).await;
    let mine = |inbox: Answer| {
        let open = inbox.json()["items"].as_array().unwrap().clone();
        open.iter().filter(|it| it["executionId"] == story.execution.as_str()).count()
    };
    assert_eq!(mine(story.world.get(&ann, "/api/v1/interventions").await), 0);
    assert_eq!(mine(story.world.get(&boss, "/api/v1/interventions").await), 1);
    let refused = story.answer(&ann).await;
    assert_eq!((refused.status.as_u16(), refused.code().as_str()), (403, "FORBIDDEN"), "{}", refused.text);
    assert_eq!(story.answer(&boss).await.status, 200);
}

#[tokio::test]
async fn an_execution_of_another_environment_is_none() {
    let mut world = World::new().await;
    let outside = crate::world::Who {
        kind: PrincipalKind::User,
        environments: vec![orgata_model::runtime::Environment::Development],
        role: Some((orgata_model::access::Resource::Execution, orgata_model::access::Access::Admin)),
        scope: None,
    };
    let key = world.key(&outside).await;
    let there = world.get(&key, &format!("/api/v1/executions/{}", world.waiting.0)).await;
    let nowhere = world.get(&key, "/api/v1/executions/exec_00000000000070008000000000000001").await;
    assert_eq!((there.status, there.code()), (nowhere.status, nowhere.code()));
    // Not by one word does it tell that there is something.
    let blind = |text: &str| {
        text.replace(&world.waiting.0, "X").replace("exec_00000000000070008000000000000001", "X")
    };
    let message = |answer: &Answer| blind(answer.json()["error"]["message"].as_str().unwrap());
    assert_eq!(message(&there), message(&nowhere));
}

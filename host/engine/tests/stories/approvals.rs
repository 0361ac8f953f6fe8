//! Approvals where flows are not straight: nothing goes past them, and nobody is asked twice for what was said.

use std::time::Duration;

use orgata_engine::{Control, ForkRequest};
use orgata_model::Failure;
use orgata_model::execution::Status;
use serde_json::json;

use crate::support::TestHost;
use crate::support::host::ada;
use crate::support::operations::Scripted;
use crate::support::within;

fn effects(host: &TestHost) -> Vec<String> {
    let keys = host.world.effects().into_iter().map(|effect| effect.key);
    keys.map(|key| key.split_once('/').unwrap().1.to_owned()).collect()
}

async fn approve(host: &TestHost, step: &str) {
    let open = host.store.open().into_iter().find(|open| open.intervention.step.to_string() == step);
    host.answer_to(&open.unwrap(), json!({ "decision": "approve" })).await.unwrap();
    host.settle().await;
}

fn asked(host: &TestHost) -> Vec<String> {
    let mut asked: Vec<_> =
        host.store.open().into_iter().map(|open| open.intervention.step.to_string()).collect();
    asked.sort_unstable();
    asked
}

const BRANCHES: &str = "
name: story
steps:
  - name: left
    parallel: true
    steps:
      - { name: may-left, intervention: { type: approval, prompt: Left? } }
      - { name: go-left, operation: mail/put, params: { v: 1 } }
  - name: right
    parallel: true
    steps:
      - { name: may-right, intervention: { type: approval, prompt: Right? } }
      - { name: go-right, operation: mail/put, params: { v: 2 } }
  - { name: both, operation: mail/put, params: { v: 3 }, dependsOn: [left, right] }
";

#[tokio::test]
async fn an_approval_in_one_branch_does_not_open_the_other() {
    let mut host = TestHost::new().await;
    host.publish(BRANCHES).await;
    let id = host.start(json!({})).await;
    host.settle().await;
    assert_eq!((asked(&host), effects(&host)), (vec!["may-left".to_owned(), "may-right".to_owned()], vec![]));
    approve(&host, "may-right").await;
    assert_eq!(effects(&host), ["go-right"]);
    host.crash().await;
    host.settle().await;
    assert_eq!((asked(&host), effects(&host)), (vec!["may-left".to_owned()], vec!["go-right".to_owned()]));
    approve(&host, "may-left").await;
    host.until_status(id, Status::Succeeded).await;
    assert_eq!(effects(&host), ["go-right", "go-left", "both"]);
}

const LOOP: &str = "
name: story
steps:
  - name: each
    forEach: [a, b]
    maxConcurrency: 2
    steps:
      - { name: may, intervention: { type: approval, prompt: Well? } }
      - { name: go, operation: mail/put, params: { v: $item } }
  - { name: after, operation: mail/put, params: { v: 1 } }
";

#[tokio::test]
async fn every_iteration_waits_for_its_own_approval() {
    let mut host = TestHost::new().await;
    host.publish(LOOP).await;
    let id = host.start(json!({})).await;
    host.settle().await;
    assert_eq!(asked(&host), ["may[0]", "may[1]"]);
    approve(&host, "may[1]").await;
    host.crash().await;
    host.settle().await;
    assert_eq!((asked(&host), effects(&host)), (vec!["may[0]".to_owned()], vec!["go[1]".to_owned()]));
    approve(&host, "may[0]").await;
    host.until_status(id, Status::Succeeded).await;
    assert_eq!(effects(&host), ["go[1]", "go[0]", "after"]);
}

#[tokio::test]
async fn an_approval_in_a_child_holds_its_parent() {
    let mut host = TestHost::new().await;
    host.publish(
        "name: child\nsteps:\n  - { name: may, intervention: { type: approval, prompt: Well? } }\n  - { name: go, operation: mail/put, params: { v: 1 } }\n",
    )
    .await;
    host.publish(
        "name: story\nsteps:\n  - { name: it, playbook: child, params: {} }\n  - { name: after, operation: mail/put, params: { v: 1 } }\n",
    )
    .await;
    let id = host.start(json!({})).await;
    host.settle().await;
    for _ in 0..3 {
        host.crash().await;
        host.settle().await;
        assert_eq!((asked(&host), effects(&host)), (vec!["may".to_owned()], vec![]));
    }
    approve(&host, "may").await;
    host.until_status(id, Status::Succeeded).await;
    assert_eq!(effects(&host), ["go", "after"]);
}

const LATER: &str = "
name: story
steps:
  - { name: may, intervention: { type: approval, prompt: Well? } }
  - { name: go, operation: mail/put, params: { v: 1 } }
  - { name: last, operation: calc/echo, params: { v: $steps.may.result } }
";

#[tokio::test]
async fn an_approval_outlives_a_restart_and_a_retry_and_a_fork_after_it() {
    let mut host = TestHost::new().await;
    host.publish(LATER).await;
    host.world.script("mail/put", [Scripted::Fail(Failure::permanent("BROKEN", "no"))]);
    let id = host.start(json!({})).await;
    host.settle().await;
    approve(&host, "may").await;
    host.until_status(id, Status::Failed).await;
    host.crash().await;
    host.control(id, Control::Retry { step: None, input: None }).await.unwrap();
    host.until_status(id, Status::Succeeded).await;
    assert_eq!(host.count(id, "intervention_required"), 1, "nobody is asked again");
    let fork = ForkRequest { step: Some("go".parse().unwrap()), ..ForkRequest::default() };
    let fork = within(host.engine.fork(&ada(), id, fork)).await.unwrap().id;
    host.until_status(fork, Status::Succeeded).await;
    assert_eq!(host.count(fork, "intervention_required"), 0);
    assert_eq!(host.summary(fork).output, host.summary(id).output, "the answer is taken over");
    let anew = ForkRequest { step: Some("may".parse().unwrap()), ..ForkRequest::default() };
    let anew = within(host.engine.fork(&ada(), id, anew)).await.unwrap().id;
    host.settle().await;
    assert_eq!((asked(&host), host.status(anew)), (vec!["may".to_owned()], Some(Status::Waiting)));
    assert_eq!(effects(&host), ["go", "go"], "a fork does not go past a question that it asks anew");
}

const ERROR_IN_LOOP: &str = "
name: story
steps:
  - { name: each, forEach: [1, 2, 3], operation: mail/send, params: { v: $item } }
  - { name: after, operation: mail/put, params: { v: 1 } }
";

#[tokio::test]
async fn nothing_goes_on_after_an_error_in_a_loop_and_a_retry_goes_on_where_it_was() {
    let host = TestHost::new().await;
    host.publish(ERROR_IN_LOOP).await;
    let broken = Scripted::Fail(Failure::permanent("BROKEN", "no"));
    host.world.script("mail/send", [Scripted::Done(json!({})), broken]);
    let id = host.start(json!({})).await;
    host.until_status(id, Status::Failed).await;
    host.advance(Duration::from_secs(60)).await;
    assert_eq!(effects(&host), ["each[0]"]);
    host.control(id, Control::Retry { step: None, input: None }).await.unwrap();
    host.until_status(id, Status::Succeeded).await;
    assert_eq!(effects(&host), ["each[0]", "each[1]", "each[2]", "after"]);
}

#[tokio::test]
async fn a_restart_inside_of_a_loop_goes_on_with_the_iteration_that_was_cut_off() {
    let mut host = TestHost::new().await;
    host.publish(&ERROR_IN_LOOP.replace("mail/send", "mail/put")).await;
    host.world.script("mail/put", [Scripted::Done(json!({})), Scripted::Hang]);
    let id = host.start(json!({})).await;
    host.until(|| host.world.called("mail/put") == 2).await;
    host.crash().await;
    host.until_status(id, Status::Succeeded).await;
    assert_eq!(effects(&host), ["each[0]", "each[1]", "each[2]", "after"]);
    assert_eq!(host.world.called("mail/put"), 5);
}

#[tokio::test]
async fn an_execution_that_cannot_be_read_does_not_keep_others_from_coming_back() {
    let mut host = TestHost::new().await;
    host.publish(&ERROR_IN_LOOP.replace("mail/send", "mail/put")).await;
    host.world.hold("mail/put");
    let poisoned = host.start(json!({})).await;
    let other = host.start(json!({})).await;
    host.until(|| host.world.called("mail/put") == 2).await;
    host.world.release("mail/put");
    host.store.poison(poisoned);
    host.crash().await;
    host.until_status(other, Status::Succeeded).await;
    assert_eq!(host.status(poisoned), Some(Status::Running));
    host.settle().await;
    assert_eq!(host.engine.active(), 0, "what cannot be read does not stay");
}

//! What operations give in a simulation, and that none that reaches outside is ever called.

use orgata_engine::Recorded;
use orgata_model::execution::Status;
use serde_json::json;

use crate::support::Scripted;

use super::*;

const SEND: &str = "  - { name: send, operation: mail/send, params: { v: $input.v } }\n";

#[tokio::test]
async fn pure_operations_run_and_others_are_never_called() {
    let steps = "
  - { name: real, operation: calc/echo, params: { v: $input.v } }
  - { name: see, operation: look/see }
  - { name: send, operation: mail/send }
";
    let scenario = "input: { v: 7 }\noperations: { look/see: { result: { sun: true } } }\nsteps: { send: { result: 1 } }\n";
    let (host, simulation) = play(steps, scenario).await;
    passed(&simulation);
    let called: Vec<String> = host.world.calls().into_iter().map(|call| call.operation).collect();
    assert_eq!((called, host.world.effects().len()), (vec!["calc/echo".to_owned()], 0));
    assert_eq!(from(&simulation, "real"), [Provenance::Real]);
    assert_eq!(from(&simulation, "see"), [Provenance::Scenario]);
}

#[tokio::test]
async fn what_nobody_says_is_a_failure_that_says_what_to_write() {
    let (host, simulation) = play(SEND, "input: { v: 1 }\nexpect: { status: failed }\n").await;
    let told = problems(&simulation).join("\n");
    assert!(told.contains("steps: { send: { result: … } }") && told.contains("effectful"), "{told}");
    assert_eq!(
        (status(&simulation), failures(&simulation)),
        (Status::Failed, vec!["NOT_SIMULATED".to_owned()])
    );
    assert_eq!(from(&simulation, "send"), [Provenance::Nothing]);
    assert_eq!(host.world.calls().len(), 0);
}

#[tokio::test]
async fn an_effect_does_not_become_real_by_asking_for_it() {
    let scenario = "input: { v: 1 }\nsteps: { send: { use: real } }\nexpect: { status: failed }\n";
    let (host, simulation) = play(SEND, scenario).await;
    assert!(problems(&simulation)[0].contains("never runs in a simulation"), "{:?}", problems(&simulation));
    assert_eq!(host.world.calls().len(), 0);
}

#[tokio::test]
async fn a_step_is_told_before_its_operation_and_an_iteration_before_its_step() {
    let steps = "
  - { name: all, forEach: [1, 2, 3], operation: mail/send, params: { v: $item } }
  - { name: last, operation: mail/send }
";
    let scenario = "
steps: { all: { result: step }, \"all[1]\": { result: iteration } }
operations: { mail/send: { result: operation } }
";
    let (_, simulation) =
        play(&format!("{steps}output: {{ all: $steps.all.result, last: $steps.last.result }}\n"), scenario)
            .await;
    passed(&simulation);
    let output = own(&simulation).output.clone().unwrap();
    assert_eq!(*output, json!({ "all": ["step", "iteration", "step"], "last": "operation" }));
}

#[tokio::test]
async fn an_operation_asks_in_a_scenario_and_goes_on_with_the_next_that_it_gives() {
    let scenario = "
input: { v: 1 }
steps: { send: [{ ask: { prompt: Which?, options: [a, b] } }, { result: { chosen: a } }] }
interventions: { send: { answer: a, by: ada, after: 2h } }
expect: { output: { chosen: a } }
";
    let (_, simulation) = play(SEND, scenario).await;
    passed(&simulation);
    assert_eq!((took(&simulation), count(&simulation, "step_resumed send")), (7200, 1));
}

#[tokio::test]
async fn children_are_simulated_with_their_parent() {
    let host = TestHost::new().await;
    host.publish("name: child\nsteps:\n  - { name: send, operation: mail/send, params: { v: $input.v } }\n")
        .await;
    host.publish("name: story\nsteps:\n  - { name: all, forEach: [1, 2], playbook: child, params: { v: $item } }\n  - { name: send, operation: mail/send }\n").await;
    let scenario = "steps: { child/send: { result: inner }, send: { result: outer } }\nexpect: { ran: [child/send], order: [all, child/send, send] }\n";
    let simulation = try_simulate(&host, request(scenario)).await.unwrap();
    passed(&simulation);
    assert_eq!((simulation.executions.len(), own(&simulation).output.as_deref()), (3, Some(&json!("outer"))));
    assert_eq!(simulation.executions[1].output.as_deref(), Some(&json!("inner")));
    assert_eq!(host.world.calls().len(), 0);
}

#[tokio::test]
async fn children_with_one_key_go_one_after_the_other() {
    let host = TestHost::new().await;
    host.publish("name: child\nconcurrency: { max: 1 }\nsteps:\n  - { name: sleep, wait: 1h }\n").await;
    host.publish(
        "name: story\nsteps:\n  - { name: all, forEach: [1, 2, 3], maxConcurrency: 3, playbook: child }\n",
    )
    .await;
    let simulation = try_simulate(&host, request("expect: { within: 3h }")).await.unwrap();
    passed(&simulation);
    assert_eq!(took(&simulation), 3 * 3600);
}

#[tokio::test]
async fn what_fails_for_good_is_undone_newest_first_and_undoing_is_simulated_too() {
    let steps = "
  - { name: one, operation: mail/put, compensation: { operation: mail/undo, params: { of: one } } }
  - { name: two, operation: mail/put, compensation: { operation: mail/undo, params: { of: two }, retries: { max: 2, initial: 1h, max_interval: 1h, jitter: none } } }
  - { name: three, operation: mail/send }
";
    let scenario = "
steps: { three: { fail: { code: BROKEN, message: it broke } } }
operations:
  mail/put: { result: 1 }
  mail/undo: [{ fail: { code: BUSY, message: later, kind: transient } }, { result: 1 }]
expect: { status: compensated, failure: BROKEN, undone: [two, one] }
";
    let (host, simulation) = play(steps, scenario).await;
    passed(&simulation);
    assert_eq!((took(&simulation), host.world.calls().len()), (3600, 0));
    assert_eq!(count(&simulation, "step_compensation_retry_scheduled two"), 1);
}

#[tokio::test]
async fn a_recorded_execution_is_played_again_without_its_effects() {
    let steps = format!("{SEND}  - name: ask\n    intervention: {{ prompt: Well?, options: [yea, nay] }}\n  - {{ name: paid, wait: {{ event: paid }} }}\noutput: {{ sent: $steps.send.result, said: $steps.ask.result }}\n").replace("v: $input.v }", "v: $input.v }, retries: { max: 1, initial: 1s, jitter: none }");
    let host = host(&steps).await;
    host.world.script(
        "mail/send",
        [
            Scripted::Fail(orgata_model::Failure::transient("BUSY", "later")),
            Scripted::Done(json!({ "n": 9 })),
        ],
    );
    let id = host.start(json!({ "v": 3 })).await;
    host.advance(std::time::Duration::from_secs(1)).await;
    host.answer(id, json!("nay")).await.unwrap();
    host.advance(std::time::Duration::from_secs(60)).await;
    host.engine.execution_event(&ada(), id, "paid", json!({})).await.unwrap();
    host.until_status(id, Status::Succeeded).await;
    let (calls, output) = (host.world.calls().len(), host.summary(id).output);

    let recorded = vec![Recorded { playbook: "story".parse().unwrap(), events: host.history(id) }];
    let simulation = try_simulate(&host, SimulationRequest { recorded, ..request("") }).await.unwrap();
    passed(&simulation);
    assert_eq!(own(&simulation).output, output);
    assert_eq!(from(&simulation, "send"), [Provenance::Recorded, Provenance::Recorded]);
    assert_eq!((host.world.calls().len(), took(&simulation)), (calls, 61));
}

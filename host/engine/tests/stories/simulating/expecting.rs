//! What a scenario expects, and what is told when it does not come.

use orgata_model::execution::Status;
use serde_json::json;

use super::*;

const STEPS: &str = "
  - { name: one, operation: calc/echo, params: { v: 1 } }
  - name: pick
    switch:
      - { when: input.big, steps: [{ name: large, operation: mail/send }] }
      - { steps: [{ name: small, set: { n: 1 } }] }
  - { name: two, operation: calc/echo, params: { v: 2 } }
";

#[tokio::test]
async fn everything_that_does_not_come_is_told_with_its_line() {
    let scenario = "input: { big: false }
expect:
  status: failed
  output: { v: 3 }
  failure: BROKEN
  ran: [large]
  notRun: [small]
  order: [two, one]
  attempts: { one: 2 }
  undone: [one]
";
    let (_, simulation) = play(STEPS, scenario).await;
    let told: Vec<(u64, String)> =
        simulation.problems.iter().map(|it| (it.mark.line, format!("{}: {}", it.path, it.message))).collect();
    let expected = [
        (3, "expect.status: it ended succeeded"),
        (4, "expect.output: the output is {\"v\":2}"),
        (5, "expect.failure: there is no failure"),
        (6, "expect.ran: step `large` did not run"),
        (7, "expect.notRun: step `small` ran"),
        (8, "expect.order: step `one` began before `two`"),
        (9, "expect.attempts: step `one` took 1, not 2"),
        (10, "expect.undone: nothing was undone"),
    ];
    assert_eq!(told, expected.map(|(line, text)| (line, text.to_owned())));
}

#[tokio::test]
async fn without_expectations_it_must_succeed() {
    let (_, simulation) = play("  - { name: a, fail: { code: NO_STOCK, message: sold out } }\n", "").await;
    assert_eq!(problems(&simulation), ["expect.status: it ended failed: NO_STOCK: sold out"]);
    let (_, simulation) = play(STEPS, "input: { big: false }\n").await;
    passed(&simulation);
    assert_eq!(simulation.never_ran.iter().map(ToString::to_string).collect::<Vec<_>>(), ["large"]);
}

#[tokio::test]
async fn a_time_that_is_too_long_is_told() {
    let (_, simulation) = play("  - { name: a, wait: 2d }\n", "expect: { within: 36h }\n").await;
    assert_eq!(problems(&simulation), ["expect.within: it took 2d"]);
}

#[tokio::test]
async fn what_cannot_be_played_is_refused_with_the_reason() {
    let host = host(STEPS).await;
    for (scenario, code, told) in [
        ("expect: { ran: [one, tow] }", "SCENARIO_INVALID", "has no step `tow`"),
        ("expects: {}", "SCENARIO_INVALID", "a scenario has no key `expects`"),
        ("playbook: other", "SCENARIO_INVALID", "for `other`, not for `story`"),
        ("recorded: [a.jsonl]", "BAD_REQUEST", "send them beside it"),
    ] {
        let refused = try_simulate(&host, request(scenario)).await.unwrap_err();
        assert_eq!((refused.code(), refused.to_string().contains(told)), (code, true), "{refused}");
    }
    let mut unknown = request("");
    unknown.playbook = "storey".parse().unwrap();
    assert_eq!(try_simulate(&host, unknown).await.unwrap_err().code(), "PLAYBOOK_NOT_FOUND");
    host.publish("name: story\ninput: { type: object, required: [n] }\nsteps:\n  - { name: a, wait: 1s }\n")
        .await;
    assert_eq!(try_simulate(&host, request("")).await.unwrap_err().code(), "INPUT_INVALID");
}

#[tokio::test]
async fn so_many_are_played_at_once_and_no_more_and_a_host_that_stops_breaks_them_off() {
    let host = host("  - { name: a, operation: calc/echo }\n").await;
    host.world.hold("calc/echo");
    let simulate = || {
        let engine = host.engine.clone();
        tokio::spawn(async move { engine.simulate(&ada(), &runtime(), request("")).await })
    };
    let mut played: Vec<_> = (0..4).map(|_| simulate()).collect();
    while host.world.called("calc/echo") < 4 {
        tokio::task::yield_now().await;
    }
    let refused = try_simulate(&host, request("")).await.unwrap_err();
    assert_eq!(
        (refused.code(), refused.to_string().contains("4 simulations at a time")),
        ("OVERLOADED", true)
    );
    host.world.release("calc/echo");
    for simulation in played.drain(..) {
        passed(&simulation.await.unwrap().unwrap());
    }
    host.world.hold("calc/echo");
    let broken_off = simulate();
    while host.world.called("calc/echo") < 5 {
        tokio::task::yield_now().await;
    }
    assert!(host.engine.stop().await, "it is no work that the host waits for");
    assert_eq!(broken_off.await.unwrap().unwrap_err().code(), "DRAINING");
}

#[tokio::test]
async fn a_version_that_is_not_published_is_played_and_stays_unpublished() {
    let host = host(STEPS).await;
    let source = "name: story\nsteps:\n  - { name: new, set: { n: $input.n } }\n";
    let source = Some(document("story.yaml", source));
    let simulation =
        try_simulate(&host, SimulationRequest { source, input: Some(json!({ "n": 4 })), ..request("") })
            .await
            .unwrap();
    assert_eq!(own(&simulation).output.as_deref(), Some(&json!({ "n": 4 })));
    let current = host.engine.playbook(&ada(), &runtime(), &"story".parse().unwrap()).unwrap();
    assert_eq!(current.steps.len(), 5);
    let source =
        Some(document("story.yaml", "name: story\nsteps:\n  - { name: new, operation: mail/nothing }\n"));
    let refused = try_simulate(&host, SimulationRequest { source, ..request("") }).await.unwrap_err();
    assert!(refused.to_string().contains("there is no operation `mail/nothing`"), "{refused}");
    assert_eq!(status(&simulation), Status::Succeeded);
}

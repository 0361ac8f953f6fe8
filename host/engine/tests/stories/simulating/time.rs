//! Virtual time: it passes at once, in order, and not without end.

use super::*;

const ASK: &str = "
  - name: ask
    role: clerk
    intervention: { prompt: Well?, options: [yea, nay], reminders: 4h, timeout: { after: 1d, escalate: boss } }
";

#[tokio::test]
async fn thirty_days_pass_at_once_and_only_in_the_simulation() {
    let (host, simulation) =
        play("  - { name: sleep, wait: 30d }\n  - { name: a, operation: calc/echo }\n", "").await;
    passed(&simulation);
    assert_eq!(took(&simulation), 30 * 86_400);
    assert_eq!(host.clock.time().to_string(), crate::support::clock::BEGIN);
    assert_eq!((host.store.ids().len(), host.store.commits()), (0, 0), "nothing of it is kept");
}

#[tokio::test]
async fn retries_wait_for_as_long_as_their_policy_says() {
    let steps = "  - name: send\n    operation: mail/send\n    retries: { max: 3, initial: 1h, multiplier: 2, max_interval: 10h, jitter: none }\n";
    let scenario = "
steps:
  send:
    - { fail: { code: BUSY, message: later, kind: transient }, takes: 30m }
    - { fail: { code: BUSY, message: later, kind: transient } }
    - { result: { sent: true } }
expect: { attempts: { send: 3 }, output: { sent: true } }
";
    let (host, simulation) = play(steps, scenario).await;
    passed(&simulation);
    // Half an hour at work, then one hour and two between.
    assert_eq!(took(&simulation), 3 * 3600 + 1800);
    assert_eq!(from(&simulation, "send"), [Provenance::Scenario, Provenance::Scenario, Provenance::Scenario]);
    assert_eq!(host.world.calls().len(), 0);
}

#[tokio::test]
async fn what_takes_longer_than_its_step_may_is_cut_off() {
    let steps = "  - { name: send, operation: mail/send, timeout: 5s }\n";
    let scenario =
        "steps: { send: { result: {}, takes: 1m } }\nexpect: { status: failed, failure: LIMIT_EXCEEDED }\n";
    let (_, simulation) = play(steps, scenario).await;
    passed(&simulation);
    assert_eq!(took(&simulation), 5);
}

#[tokio::test]
async fn people_are_reminded_and_then_another_role_is_asked() {
    let scenario = "interventions: { ask: { answer: nay, by: bo, after: 30h } }\nexpect: { within: 30h }\n";
    let (_, simulation) = play(ASK, scenario).await;
    passed(&simulation);
    assert_eq!((took(&simulation), count(&simulation, "intervention_expired ask")), (30 * 3600, 1));
    assert!(count(&simulation, "intervention_reminded ask") >= 5, "{:#?}", journal(&simulation));
    let answered =
        simulation.happened.iter().find(|it| it.event.fact.name() == "intervention_resolved").unwrap();
    assert_eq!(&*answered.event.actor, "bo");
}

#[tokio::test]
async fn the_end_of_its_time_ends_a_simulation_too() {
    let host = TestHost::new().await;
    host.publish("name: story\ntimeout: 2d\nsteps:\n  - { name: sleep, wait: 3d }\n").await;
    let simulation = try_simulate(&host, request("expect: { status: timed_out, within: 2d }")).await.unwrap();
    passed(&simulation);
    assert_eq!(took(&simulation), 2 * 86_400);
}

#[tokio::test]
async fn what_never_ends_is_refused() {
    let asks = "  - name: ask\n    intervention: { prompt: Well?, reminders: 1s }\n";
    let host = host(asks).await;
    let refused = try_simulate(&host, request("")).await.unwrap_err();
    assert_eq!(refused.code(), "SIMULATION_ENDLESS");
    assert!(refused.to_string().contains("more than 10000 events"), "{refused}");
    host.publish("name: story\nsteps:\n  - { name: a, wait: { until: \"3000-01-01T00:00:00Z\" } }\n").await;
    let refused = try_simulate(&host, request("")).await.unwrap_err();
    assert!(refused.to_string().contains("ten years"), "{refused}");
    // And the host goes on.
    assert!(try_simulate(&host, request("startsAt: 2499-12-31T00:00:00Z")).await.is_err());
}

#[tokio::test]
async fn events_come_when_they_are_due_and_only_one_that_matches_is_taken() {
    let steps = "  - { name: paid, wait: { event: paid, match: event.n == 2, timeout: 7d } }\n";
    let scenario = "
events:
  - { event: paid, at: 3d, payload: { n: 2 } }
  - { event: paid, at: 1d, payload: { n: 1 } }
  - { event: paid, at: 9d, payload: { n: 3 } }
";
    let (_, simulation) = play(steps, scenario).await;
    passed(&simulation);
    assert_eq!(took(&simulation), 3 * 86_400);
    assert_eq!(simulation.notes.len(), 2, "{:?}", simulation.notes);
    // One that is kept waits for the step; one that is not is lost.
    let late = format!("  - {{ name: sleep, wait: 1d }}\n{steps}");
    let kept = "events: [{ event: paid, at: 1h, payload: { n: 2 }, kept: true }]\n";
    let (_, simulation) = play(&late, kept).await;
    passed(&simulation);
    assert_eq!(took(&simulation), 86_400);
    let lost = kept.replace(", kept: true", "") + "expect: { status: failed, failure: EVENT_NOT_RECEIVED }\n";
    let (_, simulation) = play(&late, &lost).await;
    passed(&simulation);
    assert!(simulation.notes[0].contains("no step waited"), "{:?}", simulation.notes);
}

#[tokio::test]
async fn a_simulation_tells_the_same_every_time() {
    let steps = "
  - name: all
    forEach: [1, 2, 3, 4, 5, 6]
    maxConcurrency: 6
    steps:
      - { name: real, operation: calc/echo, params: { v: $item } }
      - { name: send, operation: mail/put, params: { v: $item }, retries: { max: 5, initial: 1m } }
  - { name: side, parallel: true, operation: calc/echo }
";
    let scenario = "
operations:
  mail/put:
    - { fail: { code: BUSY, message: later, kind: transient }, takes: 1s }
    - { fail: { code: BUSY, message: later, kind: transient } }
    - { result: { n: 1 } }
";
    let told = async || {
        let (_, simulation) = play(steps, scenario).await;
        passed(&simulation);
        let lines =
            simulation.happened.iter().map(|it| format!("{} {:?} {:?}", it.execution, it.event, it.from));
        lines.collect::<Vec<_>>()
    };
    let first = told().await;
    assert!(first.len() > 30);
    for _ in 0..5 {
        assert_eq!(told().await, first);
    }
}

//! Playbooks that outside events start.

use orgata_engine::{Delivery, EngineError, OutsideEvent};
use orgata_model::execution::{Fact, Status};
use serde_json::{Value, json};

use crate::support::host::{ada, runtime};
use crate::support::life::Life;
use crate::support::{TestHost, within};

const PAID: &str = "name: story\nonEvent: { event: paid, match: event.amount > 10, input: { v: $event.amount } }\n\
                    steps:\n  - { name: a, operation: calc/echo, params: { v: $input.v } }\n";

fn paid(amount: u32, id: Option<&str>) -> OutsideEvent {
    OutsideEvent { event: "paid".to_owned(), payload: json!({ "amount": amount }), id: id.map(str::to_owned) }
}

async fn send(host: &TestHost, event: OutsideEvent) -> Result<Delivery, EngineError> {
    within(host.engine.event(&ada(), &runtime(), event)).await
}

fn input(host: &TestHost, delivery: &Delivery) -> Value {
    match &host.history(delivery.started[0])[0].fact {
        Fact::ExecutionStarted { input, .. } => (**input).clone(),
        _ => panic!(),
    }
}

#[tokio::test]
async fn an_event_starts_the_playbooks_that_it_matches() {
    let host = TestHost::new().await;
    host.publish(PAID).await;
    let whole = PAID.replace("name: story", "name: whole").replace(", input: { v: $event.amount }", "");
    host.publish(&whole.replace("$input.v", "$input.amount")).await;
    let delivery = send(&host, paid(12, None)).await.unwrap();
    assert_eq!((delivery.started.len(), delivery.refused.len()), (2, 0));
    assert_eq!(input(&host, &delivery), json!({ "v": 12 }));
    assert_eq!(&*host.history(delivery.started[0])[0].actor, "ada");
    for id in &delivery.started {
        host.until_status(*id, Status::Succeeded).await;
    }
    let inputs = host.history(delivery.started[1]);
    let Fact::ExecutionStarted { input, .. } = &inputs[0].fact else { panic!() };
    assert_eq!(**input, json!({ "amount": 12 }), "the payload itself");
    assert_eq!(send(&host, paid(10, None)).await.unwrap().started, [], "it does not match");
    let other = OutsideEvent { event: "other".to_owned(), ..paid(12, None) };
    assert_eq!(send(&host, other).await.unwrap().started, []);
    let empty = OutsideEvent { payload: json!(null), ..paid(12, None) };
    assert_eq!(send(&host, empty).await.unwrap().started, [], "what cannot be looked at does not match");
}

#[tokio::test]
async fn an_event_that_is_sent_again_with_its_id_starts_nothing_again() {
    let mut host = TestHost::new().await;
    host.publish(PAID).await;
    let first = send(&host, paid(12, Some("e-1"))).await.unwrap().started;
    assert_eq!(send(&host, paid(12, Some("e-1"))).await.unwrap().started, first);
    host.crash().await;
    assert_eq!(send(&host, paid(12, Some("e-1"))).await.unwrap().started, first);
    assert_ne!(send(&host, paid(12, Some("e-2"))).await.unwrap().started, first);
    assert_eq!(host.store.ids().len(), 2);
    send(&host, paid(12, None)).await.unwrap();
    send(&host, paid(12, None)).await.unwrap();
    assert_eq!(host.store.ids().len(), 4, "without an id each is another");
    for wrong in ["", &"x".repeat(201)] {
        assert_eq!(send(&host, paid(12, Some(wrong))).await.unwrap_err().code(), "BAD_REQUEST");
    }
}

#[tokio::test]
async fn wherever_the_host_dies_an_event_that_is_sent_again_starts_each_playbook_once() {
    for last in 1.. {
        let mut host = TestHost::new().await;
        host.publish(PAID).await;
        host.publish(&PAID.replace("name: story", "name: second")).await;
        host.crash_into(Life::new(last)).await;
        tokio::select! {
            biased;
            () = host.life.over() => {}
            _ = send(&host, paid(12, Some("e"))) => host.settle().await,
        }
        let died = host.life.is_over();
        host.crash().await;
        let started = send(&host, paid(12, Some("e"))).await.unwrap().started;
        assert_eq!((started.len(), host.store.ids().len()), (2, 2), "died at {last}");
        for id in started {
            host.until_status(id, Status::Succeeded).await;
        }
        if !died {
            assert!(last > 4, "there are places to die at");
            break;
        }
    }
}

#[tokio::test]
async fn an_execution_that_an_event_started_does_not_take_it_a_second_time() {
    let host = TestHost::new().await;
    host.publish("name: story\nonEvent: { event: paid }\nsteps:\n  - { name: w, wait: { event: paid } }\n")
        .await;
    let first = send(&host, paid(1, None)).await.unwrap();
    assert_eq!((first.executions.len(), first.started.len()), (0, 1));
    host.until_status(first.started[0], Status::Waiting).await;
    let second = send(&host, paid(2, None)).await.unwrap();
    assert_eq!((&second.executions, second.started.len()), (&first.started, 1));
}

#[tokio::test]
async fn a_playbook_that_cannot_be_started_keeps_no_other_from_it() {
    let host = TestHost::new().await;
    host.publish(PAID).await;
    let strict = PAID
        .replace("name: story", "name: strict\ninput: { type: object, properties: { v: { type: string } } }");
    host.publish(&strict).await;
    host.publish(&PAID.replace("name: story", "name: unclear").replace("$event.amount", "$event.sum")).await;
    let delivery = send(&host, paid(12, None)).await.unwrap();
    assert_eq!(delivery.started.len(), 1);
    let refused: Vec<_> =
        delivery.refused.iter().map(|(name, error)| (name.as_str(), error.code())).collect();
    assert_eq!(refused, [("strict", "INPUT_INVALID"), ("unclear", "BAD_REQUEST")]);
}

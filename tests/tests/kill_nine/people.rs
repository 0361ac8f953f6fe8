//! Those who order, and those who answer: clients that never give up.

use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use orgata_tests::{ExecutionId, Witness, patience};
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use crate::ledger::{Answered, Ledger, times};
use crate::wire::{Door, Wire};

/// What all of them share.
pub(crate) struct Shop {
    pub(crate) door: Door,
    pub(crate) ledger: Ledger,
    pub(crate) witness: Witness,
    /// How many may be ordered, and answered, before the next kill.
    pub(crate) orders: Semaphore,
    pub(crate) answers: Semaphore,
    /// The next order's number.
    pub(crate) next: AtomicUsize,
    /// Questions that somebody is at.
    claimed: Mutex<HashSet<String>>,
}

impl Shop {
    pub(crate) fn new(witness: Witness) -> Self {
        Self {
            door: Door::new(),
            ledger: Ledger::default(),
            witness,
            orders: Semaphore::new(0),
            answers: Semaphore::new(0),
            next: AtomicUsize::new(0),
            claimed: Mutex::default(),
        }
    }
}

/// The idempotency key of an order.
pub(crate) fn key_of(number: usize) -> String {
    format!("order-{number}")
}

/// Orders until there are `count` orders altogether.
pub(crate) async fn customer(shop: Arc<Shop>, count: usize) {
    let mut wire = shop.door.wire();
    loop {
        let number = shop.next.fetch_add(1, Ordering::Relaxed);
        if number >= count {
            return;
        }
        shop.orders.acquire().await.expect("the semaphore stays open").forget();
        order(&shop, &mut wire, number).await;
    }
}

/// Orders, and writes the acknowledgement into the ledger.
pub(crate) async fn order(shop: &Shop, wire: &mut Wire, number: usize) -> ExecutionId {
    let key = key_of(number);
    let body = json!({
        "playbookName": "order",
        "input": { "number": number, "shop": shop.witness.url("") },
        "idempotencyKey": key,
    });
    let reply = wire.send("ordering", |http, address| {
        http.post(format!("{address}/api/v1/runtimes/kitchen-v1/executions")).json(&body)
    });
    let handle = reply.await.accepted();
    let id = ExecutionId(handle["executionId"].as_str().expect("a handle has an id").to_owned());
    shop.ledger.started(&key, &id);
    id
}

/// Answers what is open, for ever.
pub(crate) async fn clerk(shop: Arc<Shop>) {
    let mut wire = shop.door.wire();
    loop {
        shop.answers.acquire().await.expect("the semaphore stays open").forget();
        let question = next_question(&shop, &mut wire).await;
        answer(&shop, &mut wire, &question).await;
    }
}

/// The oldest question that nobody is at.
async fn next_question(shop: &Shop, wire: &mut Wire) -> Value {
    let mut glances = patience::glances();
    loop {
        glances.tick().await;
        let inbox = wire.send("reading the inbox", |http, address| {
            http.get(format!("{address}/api/v1/interventions?limit=100"))
        });
        let inbox = inbox.await.is(200);
        let mut claimed = shop.claimed.lock().unwrap();
        let mut items = inbox["items"].as_array().expect("an inbox has items").iter();
        if let Some(free) = items.find(|item| claimed.insert(text(item, "id"))) {
            return free.clone();
        }
    }
}

async fn answer(shop: &Shop, wire: &mut Wire, question: &Value) {
    let id = ExecutionId(text(question, "executionId"));
    let intervention = text(question, "id");
    let response = decide(shop, &id, question);
    let body = json!({ "response": response });
    let reply = wire.send("answering", |http, address| {
        let url = format!("{address}/api/v1/executions/{id}/interventions/{intervention}");
        http.post(url).json(&body)
    });
    let reply = reply.await;
    if reply.status == 409 {
        // The answer before this one got through, and its acknowledgement did not.
        let error = reply.refused(409, "INTERVENTION_ANSWERED");
        assert_eq!(error["details"]["response"], response, "somebody else's answer was taken");
    } else {
        reply.is(200);
    }
    shop.ledger.answered(&id, Answered { intervention, response });
}

/// What a sensible person answers. An operator who is asked about an effect looks whether it happened.
fn decide(shop: &Shop, id: &ExecutionId, question: &Value) -> Value {
    let step = text(question, "step");
    if question["type"] == "failure_handling" {
        return match times(&shop.witness, &step, &format!("{id}/{step}")) {
            0 => json!({ "decision": "retry" }),
            _ => json!({ "decision": "complete", "result": charged_by_hand() }),
        };
    }
    match step.as_str() {
        "choose-jelly" => json!({ "jelly_flavor": "grape" }),
        "assemble" => json!({ "cut": "diagonally" }),
        other => panic!("nobody expected a question of step {other}: {question}"),
    }
}

/// What `http-fetch/post` gives, written by an operator.
pub(crate) fn charged_by_hand() -> Value {
    json!({
        "status": 200, "headers": {}, "body": "", "base64": false, "truncated": false, "json": { "ok": "by hand" },
    })
}

fn text(value: &Value, key: &str) -> String {
    value[key].as_str().unwrap_or_else(|| panic!("{key} is missing: {value}")).to_owned()
}

//! The example `order-fulfilment`, with its child: an order from the stock to the post, and back.

use orgata_tests::matchers::{asked, compensated, completed, event, step_event, waiting};
use orgata_tests::{ExecutionId, HostSetup, TestHost};
use serde_json::{Value, json};

use crate::times;

async fn shop() -> TestHost {
    let setup = HostSetup::new().plugin("shop").example("order-fulfilment").example("pack-order");
    setup.runtime("shop", json!({})).start().await
}

fn order(more: Value) -> Value {
    let mut order = json!({
        "order": "o-17", "mail": "ada@example.com", "address": "Sandwich", "express": false,
        "lines": [
            { "item": "jam", "quantity": 2, "price": 350 },
            { "item": "bread", "quantity": 1, "price": 420 },
        ],
    });
    order.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    order
}

async fn awaiting_payment(host: &TestHost, more: Value) -> ExecutionId {
    let id = host.begin("order-fulfilment", order(more)).await;
    host.until(&id, waiting("paid")).await;
    id
}

#[tokio::test]
async fn an_order_is_reserved_paid_packed_and_sent() {
    let host = shop().await;
    let id = awaiting_payment(&host, json!({})).await;
    let child = host.until(&id, event("child_started")).await;
    let child = ExecutionId(child.body["childExecutionId"].as_str().unwrap().to_owned());
    assert_eq!(host.until(&child, completed()).await["grams"], 750);
    assert_eq!(host.history(&child).await[0].body["parentExecutionId"], id.0.as_str());
    host.until(&id, step_event("step_completed", "pack")).await;

    assert!(host.tell("payment.received", json!({ "order": "o-18", "amount": 1120 })).await.is_empty());
    assert!(host.tell("payment.received", json!({ "order": "o-17", "amount": 20 })).await.is_empty());
    let took = host.tell("payment.received", json!({ "order": "o-17", "amount": 1120 })).await;
    assert_eq!(took, std::slice::from_ref(&id));
    let output = host.until(&id, completed()).await;
    let expected = json!({
        "order": "o-17", "total": 1120, "contents": ["2 jam", "1 bread"], "tracking": "post-750g-Sandwich",
        "thanked": true,
    });
    assert_eq!(output, expected);
    assert_eq!(times(&host, &id, "step_completed", "reserve[1]").await, 1);
    assert_eq!(times(&host, &id, "step_started", "courier").await, 0);
}

#[tokio::test]
async fn an_express_order_goes_by_courier_and_a_letter_that_cannot_be_sent_undoes_nothing() {
    let host = shop().await;
    let id = awaiting_payment(&host, json!({ "express": true, "mail": "ada" })).await;
    host.tell("payment.received", json!({ "order": "o-17", "amount": 1120 })).await;
    let output = host.until(&id, completed()).await;
    assert_eq!((&output["tracking"], &output["thanked"]), (&json!("express-750g-Sandwich"), &json!(false)));
    host.until(&id, step_event("step_failed", "thank")).await;
}

#[tokio::test]
async fn an_order_that_cannot_be_delivered_is_undone_newest_first() {
    let host = shop().await;
    let id = awaiting_payment(&host, json!({ "address": "nowhere" })).await;
    host.tell("payment.received", json!({ "order": "o-17", "amount": 1120 })).await;
    host.until(&id, compensated()).await;
    let history = host.history(&id).await;
    let undone: Vec<&str> = history
        .iter()
        .filter(|event| event.kind == "step_compensated")
        .filter_map(|event| event.step())
        .collect();
    assert_eq!(undone.first(), Some(&"invoice"), "{undone:?}");
    assert_eq!(undone.len(), 3, "both lines and the invoice: {undone:?}");
    let released = history.iter().find(|event| event.is("step_compensation_started", "reserve[0]")).unwrap();
    assert_eq!(
        released.body["input"],
        json!({ "reservation": "res-jam-2" }),
        "each iteration undoes its own"
    );
    let status = host.status(&id).await;
    assert_eq!(
        (&status["status"], &status["failure"]["code"]),
        (&json!("compensated"), &json!("undeliverable"))
    );
}

#[tokio::test]
async fn what_is_out_of_stock_releases_what_was_reserved() {
    let host = shop().await;
    let lines = json!([
        { "item": "jam", "quantity": 1, "price": 1 },
        { "item": "rare-honey", "quantity": 1, "price": 1 },
    ]);
    let id = host.begin("order-fulfilment", order(json!({ "lines": lines }))).await;
    host.until(&id, compensated()).await;
    assert_eq!(times(&host, &id, "step_compensated", "reserve[0]").await, 1);
    assert_eq!(times(&host, &id, "step_compensated", "reserve[1]").await, 0, "it was never done");
}

#[tokio::test]
async fn a_large_order_asks_two_of_finance_and_neither_is_whoever_ordered() {
    let host = shop().await;
    let lines = json!([{ "item": "truffles", "quantity": 10, "price": 20000 }]);
    let id = host.begin("order-fulfilment", order(json!({ "lines": lines }))).await;
    let question = host.until(&id, asked("approve")).await;
    assert_eq!(question.body["assigneeRole"], "finance", "{}", question.body);
    assert_eq!(question.prompt, "Deliver order o-17 for 2000.0?");
    // The one person of loopback started it, and may not approve it.
    let refused = host.answer(&id, &question, json!({ "decision": "approve" })).await;
    assert_eq!(refused.status, 403, "{}", refused.body);
    // An operator may still decide for them, and that is written down.
    let skip = json!({ "step": "approve", "result": { "decision": "reject" }, "reason": "both are ill" });
    host.steer(&id, "skip", skip).await.accepted();
    let end = host.until(&id, orgata_tests::matchers::failed()).await;
    assert_eq!(end["code"], "ORDER_REJECTED", "nothing was done yet, and nothing is undone");
}

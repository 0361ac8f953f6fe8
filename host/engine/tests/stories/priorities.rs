//! Which executions go first while the host has as many at work as it takes.

use orgata_engine::Settings;
use orgata_model::execution::Status;
use serde_json::json;

use crate::support::TestHost;
use crate::support::host::{ada, request, runtime};

const SENDS: &str = "steps:\n  - { name: a, operation: calc/echo, params: { v: $input.v } }\n";

/// Executions of three playbooks that begin with a question, lowest priority first; answered, they have work to do.
async fn work_in_order(crash: bool) {
    let mut host = TestHost::with(Settings { active_executions: 1, ..Settings::default() }).await;
    let mut ids = Vec::new();
    for priority in ["low", "normal", "high"] {
        let asks = "steps:\n  - { name: ask, intervention: { prompt: Well? } }\n";
        let rest = SENDS.replace("steps:\n", "");
        host.publish(&format!("name: {priority}\npriority: {priority}\n{asks}{rest}")).await;
        for v in 1..=2 {
            let request = orgata_engine::StartRequest {
                playbook: priority.parse().unwrap(),
                ..request(json!({ "v": v }))
            };
            let started = host.engine.start(&ada(), &runtime(), request).await.unwrap();
            ids.push(started.summary.id);
            host.settle().await;
        }
    }
    host.publish(&format!("name: story\n{SENDS}")).await;
    host.world.hold("calc/echo");
    let busy = host.start(json!({ "v": 0 })).await;
    host.settle().await;
    for id in &ids {
        host.answer(*id, json!("yes")).await.unwrap();
    }
    host.settle().await;
    if crash {
        host.crash().await;
        host.settle().await;
    }
    host.world.release("calc/echo");
    for id in ids.iter().chain([&busy]) {
        host.until_status(*id, Status::Succeeded).await;
    }
    let calls = host.world.calls();
    let first = |id| calls.iter().position(|call| call.execution == id).unwrap();
    let order: Vec<usize> = [4, 5, 2, 3, 0, 1].into_iter().map(|at: usize| first(ids[at])).collect();
    assert!(order.is_sorted(), "{order:?}");
}

#[tokio::test]
async fn the_highest_takes_the_next_place() {
    work_in_order(false).await;
}

#[tokio::test]
async fn the_highest_is_brought_back_first() {
    work_in_order(true).await;
}

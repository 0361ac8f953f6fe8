//! Many threads at once: handing commands to drivers that are about to leave.

use std::sync::Arc;

use orgata_engine::{AnswerRequest, Control, EngineError, Way};
use orgata_model::execution::Status;
use serde_json::json;

use crate::support::TestHost;
use crate::support::host::ada;

const ASKS: &str = "name: story\nsteps:\n  - { name: ask, intervention: { prompt: Well? } }\n  - { name: a, operation: mail/put }\n";

/// Every command gets an answer, whether its driver is there, comes, or goes.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_command_is_lost_between_a_driver_that_leaves_and_the_next() {
    let host = Arc::new(TestHost::new().await);
    host.publish(ASKS).await;
    for _ in 0..30 {
        let id = host
            .engine
            .start(&ada(), &crate::support::host::runtime(), crate::support::host::request(json!({})))
            .await;
        let id = id.unwrap().summary.id;
        let open = loop {
            if let Some(open) = host.open(id) {
                break open;
            }
            tokio::task::yield_now().await;
        };
        let mut asking = Vec::new();
        for n in 0..12 {
            let (engine, question) = (host.engine.clone(), open.intervention.id);
            asking.push(tokio::spawn(async move {
                let who = ada();
                match n % 3 {
                    0 => engine.control(&who, id, Control::Pause, None).await.map(drop),
                    1 => engine.control(&who, id, Control::Resume, None).await.map(drop),
                    _ => {
                        let answer = AnswerRequest { response: json!(n), notes: None, way: Way::Direct };
                        engine.answer(&who, id, question, answer).await.map(drop)
                    }
                }
            }));
        }
        let mut answered = 0;
        for (n, asked) in asking.into_iter().enumerate() {
            match asked.await.unwrap() {
                Ok(()) => answered += usize::from(n % 3 == 2),
                Err(EngineError::Unchanged(_) | EngineError::Answered(_) | EngineError::Ended(_)) => {}
                Err(error) => panic!("{error}"),
            }
        }
        assert_eq!(answered, 1, "exactly one answer wins");
        // Whatever order they came in, it can go on to its end.
        let _ = host.engine.control(&ada(), id, Control::Resume, None).await;
        while host.status(id) != Some(Status::Succeeded) {
            tokio::task::yield_now().await;
        }
        assert_eq!(host.completed(id, "a"), 1);
    }
    while host.engine.active() > 0 {
        tokio::task::yield_now().await;
    }
}

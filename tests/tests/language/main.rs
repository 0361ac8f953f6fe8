//! The language of playbooks, once end to end: what is written runs, on the real binary.
//!
//! Two different people cannot be told apart here: whoever calls a host on loopback is `local`. What is seen of
//! several approvers is that one person cannot be two, and that whoever started an execution may be kept from answering; that
//! two can approve is told beside the fold (`host/model/tests/model/questions.rs`), whose events name their actors.
//!
//! Not here: steps, conditions and references (`data_flow`), questions (`interventions`), crashes (`kill_nine`).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a story that cannot go on ends right there"
)]

mod approvals;
mod failures;
mod forks;
mod fulfilment;
mod order;
mod waits;
mod wiring;

use orgata_tests::{ExecutionId, HostSetup, TestHost};
use serde_json::json;

/// A host that can do nothing but give back, and fail as told.
async fn host(playbooks: &[(&str, &str)]) -> TestHost {
    let setup = HostSetup::new().plugin("bench").plugin("hostile");
    let setup = playbooks.iter().fold(setup, |setup, (name, yaml)| setup.playbook(name, yaml));
    setup.runtime("desk", json!({})).start().await
}

/// How often a kind of event is told of a step.
async fn times(host: &TestHost, id: &ExecutionId, kind: &str, step: &str) -> usize {
    host.history(id).await.iter().filter(|event| event.is(kind, step)).count()
}

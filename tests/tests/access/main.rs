//! Who gets in, what becomes of connections when that ends, and the ways in which one caller tries to be another.
//!
//! Not here: every endpoint, tool and frame beside every permission (`orgata-api`'s tables).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a story that cannot go on ends right there"
)]

mod certificates;
mod lapses;
mod names;
mod runtimes;
mod tickets;
mod token;

use orgata_tests::{HostSetup, TestHost};
use serde_json::{Value, json};

/// A playbook that waits for a person.
const ASK: &str = "name: ask\nsteps:\n  - name: choose\n    intervention: { type: human_decision, prompt: Which?, options: [grape, apricot] }\n";

/// A host that asks who calls, with a runtime in development.
fn asking() -> HostSetup {
    HostSetup::new().playbook("ask", ASK).runtime("desk", json!({})).asking_for_keys()
}

/// A key of somebody in development: its id, and what its holder brings.
struct Key {
    id: String,
    text: String,
}

async fn key(host: &TestHost, name: &str, more: Value) -> Key {
    let mut body = json!({ "name": name, "kind": "service", "environments": ["development"] });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let made = host.post("/api/v1/keys", body).await.is(201);
    let text = |name: &str| made[name].as_str().unwrap().to_owned();
    Key { id: text("keyId"), text: text("key") }
}

async fn revoke(host: &TestHost, key: &Key) {
    host.delete(&format!("/api/v1/keys/{}", key.id)).await.is(204);
}

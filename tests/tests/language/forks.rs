//! Forks: a new execution from an earlier one, with other input, or with what is loaded now.

use orgata_tests::HostSetup;
use orgata_tests::matchers::{asked, completed, step_event};
use serde_json::json;

use crate::times;

const FORKED: &str = r"
name: forked
steps:
  - { name: before, operation: counter/version }
  - { name: ask, intervention: { prompt: Go on?, options: [go] } }
  - { name: after, operation: counter/version }
output: { n: $input.n, before: $steps.before.result.version, after: $steps.after.result.version }
";

#[tokio::test]
async fn a_fork_keeps_results_and_versions_unless_it_is_to_have_the_latest() {
    let setup = HostSetup::new().plugin_from("counter", "counter-1").playbook("forked", FORKED);
    let host = setup.runtime("desk", json!({})).start().await;
    let old = host.current_version().await;
    let id = host.begin("forked", json!({ "n": 1 })).await;
    let question = host.until(&id, asked("ask")).await;
    host.answer(&id, &question, json!("go")).await.accepted();
    let first = host.until(&id, completed()).await;
    assert_eq!((&first["n"], &first["before"], &first["after"]), (&json!(1), &json!(old), &json!(old)));

    host.plugins().put("counter", "counter-2");
    let new = host.until_other_version(&old).await;
    let kept = host.fork(&id, json!({ "step": "after", "input": { "n": 2 } })).await;
    let output = host.until(&kept, completed()).await;
    assert_eq!(output, json!({ "n": 2, "before": old, "after": old }), "it keeps what the earlier one had");
    assert_eq!(times(&host, &kept, "step_started", "before").await, 0, "that is not done again");
    host.until(&kept, step_event("step_adopted", "ask")).await;
    assert_eq!(host.history(&kept).await[0].body["forkedFrom"], id.0.as_str());

    let latest = host.fork(&id, json!({ "step": "after", "latest": true })).await;
    assert_eq!(host.until(&latest, completed()).await, json!({ "n": 1, "before": old, "after": new }));
    let whole = host.fork(&id, json!({ "latest": true, "labels": { "why": "again" } })).await;
    let question = host.until(&whole, asked("ask")).await;
    host.answer(&whole, &question, json!("go")).await.accepted();
    assert_eq!(host.until(&whole, completed()).await["before"], new.as_str());
    let wrong = format!("/api/v1/executions/{id}/fork");
    host.post(&wrong, json!({ "step": "dance" })).await.refused(404, "STEP_NOT_FOUND");
}

/// What the host says of the plugin whose versions are told apart.
trait Versions {
    async fn current_version(&self) -> String;
    async fn until_other_version(&self, old: &str) -> String;
}

impl Versions for orgata_tests::TestHost {
    async fn current_version(&self) -> String {
        self.current("counter").await.expect("it is loaded").version
    }

    async fn until_other_version(&self, old: &str) -> String {
        let other = orgata_tests::patience::until(async || {
            Some(self.current_version().await).filter(|version| version != old)
        });
        other.await.expect("the other version is loaded")
    }
}

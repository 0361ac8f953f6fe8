//! Mistakes that only a runtime can see: told at publish with their places, and by `orgata check --runtime`.

use std::fs;

use orgata_tests::HostSetup;
use serde_json::{Value, json};

const WRONG: &str = r"name: wrong
roles: [chef, guest]
steps:
  - name: gather
    role: chef
    operation: kitchen/gather-ingredients
    params: { typ: deluxe }
  - name: spread
    role: guest
    operation: kitchen/spread
    params: { jelly: 7, on: $steps.gather.result.tray }
  - name: fetch
    operation: http-fetch/fetch
    params: { url: https://example.com }
  - name: sing
    operation: kitchen/sing
";

#[tokio::test]
async fn what_does_not_fit_is_told_at_once_with_its_places_and_nothing_is_published() {
    let setup = HostSetup::new().plugin("kitchen").plugin("http-fetch");
    let roles = json!({ "chef": {}, "guest": { "operations": ["kitchen/discard"] } });
    let host = setup.runtime("desk", json!({ "roles": roles })).start().await;
    let refused = host.put("/api/v1/runtimes/desk/playbooks/wrong", json!({ "source": WRONG })).await;
    let error = refused.refused(422, "PLAYBOOK_INVALID");
    let problems = error["details"]["problems"].as_array().unwrap();
    let told = |line: u64, words: &str| {
        let found = problems.iter().any(|problem: &Value| {
            problem["line"] == line
                && problem["message"].as_str().is_some_and(|message| message.contains(words))
        });
        assert!(found, "line {line}: {words} is missing: {problems:#?}");
    };
    told(7, "takes no `typ`");
    told(6, "needs `type`");
    told(10, "role `guest` may not run");
    told(11, "does not take this");
    told(10, "gives no `tray`");
    told(13, "is not granted");
    told(16, "there is no operation `kitchen/sing`");
    host.get("/api/v1/runtimes/desk/playbooks/wrong").await.refused(404, "PLAYBOOK_NOT_FOUND");

    fs::write(host.folder().join("wrong.yaml"), WRONG).unwrap();
    host.cli(&["check", "wrong.yaml"]).await.succeeded();
    let said = host.cli(&["check", "wrong.yaml", "--runtime", "desk"]).await.failed(1);
    for part in
        ["wrong.yaml:7:", "takes no `typ`", "wrong.yaml:16:", "runtimes.desk.grants.http-fetch.network"]
    {
        assert!(said.contains(part), "{part} is missing:\n{said}");
    }
}

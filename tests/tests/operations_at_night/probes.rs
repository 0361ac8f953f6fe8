//! What watches a host: probes, metrics, the document of its interface.

use std::collections::BTreeMap;

use orgata_tests::matchers::{asked, completed, failed};
use orgata_tests::{HostSetup, TestHost, Witness};
use serde_json::json;

use crate::{ASK, calling, shop};

/// The samples of `/metrics`, by name with labels.
async fn metrics(host: &TestHost) -> BTreeMap<String, f64> {
    let reply = host.get("/metrics").await;
    assert!(reply.header("content-type").starts_with("text/plain; version=0.0.4"), "{reply:?}");
    let text = reply.is(200).as_str().expect("metrics are text").to_owned();
    let (mut typed, mut described) = (Vec::new(), Vec::new());
    let mut samples = BTreeMap::new();
    for line in text.lines().filter(|line| !line.is_empty()) {
        if let Some(kind) = line.strip_prefix("# TYPE ") {
            typed.push(kind.split(' ').next().unwrap().to_owned());
        } else if let Some(described_one) = line.strip_prefix("# HELP ") {
            let (name, meaning) =
                described_one.split_once(' ').unwrap_or_else(|| panic!("no meaning: {line}"));
            assert!(!meaning.trim().is_empty(), "{line}");
            described.push(name.to_owned());
        } else if !line.starts_with('#') {
            let (name, value) = line.rsplit_once(' ').unwrap_or_else(|| panic!("not a sample: {line}"));
            let known = typed.iter().any(|kind| name.starts_with(kind.as_str()));
            assert!(known && name.starts_with("orgata_"), "a sample has a type and our name: {line}");
            samples.insert(name.to_owned(), value.parse().unwrap_or_else(|_| panic!("not a number: {line}")));
        }
    }
    typed.sort();
    described.sort();
    assert_eq!(typed, described, "each number says what it means");
    samples
}

#[tokio::test]
async fn probes_and_metrics_tell_how_the_host_is_doing() {
    let fails = "name: fails\nsteps:\n  - { name: f, operation: hostile/fail, retries: 0 }\n";
    let good = "name: good\nsteps:\n  - { name: g, operation: hostile/echo }\n";
    let setup = HostSetup::new().plugin("hostile").playbook("fails", fails).playbook("good", good);
    let host = setup.playbook("ask", ASK).runtime("desk", json!({})).start().await;
    assert_eq!(host.get("/health").await.is(200), json!({ "status": "ok" }));
    assert_eq!(host.get("/ready").await.is(200), json!({ "status": "ready" }));

    for _ in 0..3 {
        let id = host.begin("good", json!({})).await;
        host.until(&id, completed()).await;
    }
    let id = host.begin("fails", json!({})).await;
    host.until(&id, failed()).await;
    let id = host.begin("ask", json!({})).await;
    host.until(&id, asked("choose")).await;
    host.get("/nowhere").await.refused(404, "ROUTE_NOT_FOUND");

    let seen = metrics(&host).await;
    for (name, value) in [
        ("orgata_executions_started_total", 5.0),
        ("orgata_executions_ended_total{status=\"succeeded\"}", 3.0),
        ("orgata_executions_ended_total{status=\"failed\"}", 1.0),
        ("orgata_steps_total{outcome=\"done\"}", 3.0),
        ("orgata_steps_total{outcome=\"failed\"}", 1.0),
        ("orgata_executions_active", 0.0),
    ] {
        assert_eq!(seen.get(name), Some(&value), "{name}: {seen:#?}");
    }
    let requests = |status: &str| {
        let own = seen.iter().filter(|(name, _)| {
            name.starts_with("orgata_http_requests_total") && name.contains(&format!("status=\"{status}\""))
        });
        own.map(|(_, value)| value).sum::<f64>()
    };
    assert!(requests("2xx") >= 12.0 && requests("4xx") == 1.0, "{seen:#?}");
    assert!(
        !seen.keys().any(|name| name.contains(&id.0) || name.contains("/nowhere")),
        "labels are few: {seen:#?}"
    );
}

#[tokio::test]
async fn the_gauge_of_active_executions_counts_those_at_work() {
    let witness = Witness::start().await;
    let host = shop(&witness, json!({})).start().await;
    let asking = host.begin("ask", json!({})).await;
    host.until(&asking, asked("choose")).await;
    let id = calling(&host, &witness).await;
    assert_eq!(metrics(&host).await["orgata_executions_active"], 1.0, "one waits, one works");
    witness.release("/first");
    host.until(&id, completed()).await;
}

#[tokio::test]
async fn the_interface_describes_itself_and_every_path_in_it_answers() {
    let host = HostSetup::new().playbook("ask", ASK).runtime("desk", json!({})).start().await;
    let document = host.get("/api/openapi.json").await.is(200);
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"), "{}", document["openapi"]);
    let paths = document["paths"].as_object().unwrap();
    for (path, methods) in paths {
        let Some(get) = methods.get("get") else { continue };
        let asked = path
            .replace("{runtimeId}", "desk")
            .replace("{playbookName}", "ask")
            .replace("{executionId}", "exec_00000000000070008000000000000000")
            .replace("{interventionId}", "int_00000000000070008000000000000000");
        let parts: Vec<&str> =
            asked.split('/').map(|part| if part.starts_with('{') { "x" } else { part }).collect();
        let asked = parts.join("/");
        let reply = host.get(&asked).await;
        assert!(reply.status < 500, "{path}: {reply:?}");
        if reply.status == 404 {
            let code = reply.body["error"]["code"].as_str().unwrap_or_default();
            assert_ne!(code, "ROUTE_NOT_FOUND", "{path} is described and not there");
        }
        if reply.status >= 400 {
            reply.is_an_error().unwrap_or_else(|fault| panic!("{path}: {fault}: {}", reply.body));
        }
        assert!(get["summary"].is_string(), "{path} says what it is for");
    }
    assert!(paths.len() > 15, "{paths:#?}");
    let page = host.get("/api/docs").await;
    assert!(page.header("content-type").starts_with("text/html"), "{page:?}");
    page.is(200);
}

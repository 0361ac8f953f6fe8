//! Roots: an assistant that looks at one environment alone.

use orgata_tests::{HostSetup, TestHost};
use serde_json::{Value, json};

use crate::assistant::{Able, Told};
use crate::{Assistant, Era};

/// The same kitchen twice: one in development, and one in staging, with an execution that waits in each.
async fn kitchens() -> TestHost {
    let host = HostSetup::kitchen()
        .runtime("kitchen-v2", json!({ "environment": "staging" }))
        .asking_for_keys()
        .start()
        .await;
    for runtime in ["kitchen-v1", "kitchen-v2"] {
        let body = json!({ "playbookName": "pbj-sandwich", "input": { "sandwichType": "classic" } });
        let _ = host.post(&format!("/api/v1/runtimes/{runtime}/executions?wait=20s"), body).await.is(202);
    }
    host
}

async fn with_roots(host: &TestHost, roots: &[&str]) -> Assistant {
    let roots = roots.iter().map(|&root| root.to_owned()).collect();
    Assistant::connect(host, Era::Sessions, Able { roots: Some(roots), ..Able::default() }).await
}

/// The runtimes that each kind of list tells of.
async fn listed(assistant: &Assistant) -> Vec<Vec<String>> {
    let names = |items: &Value, field: &str| {
        let mut names: Vec<String> = items["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|item| item[field].as_str().unwrap().to_owned())
            .collect();
        names.sort();
        names.dedup();
        names
    };
    let resources = assistant.client.list_all_resources().await.unwrap();
    let runtimes = resources.iter().filter_map(|resource| resource.uri.strip_prefix("orgata://runtime/"));
    let completed = assistant
        .client
        .complete_resource_argument("orgata://runtime/{runtime}", "runtime", "", None)
        .await
        .unwrap();
    vec![
        runtimes.map(str::to_owned).collect(),
        completed.values,
        names(&assistant.call("list_runtimes", json!({})).await, "runtimeId"),
        names(&assistant.call("list_executions", json!({})).await, "runtimeId"),
        names(&assistant.call("get_pending_interventions", json!({})).await, "runtimeId"),
    ]
}

#[tokio::test]
async fn roots_narrow_every_list_and_nothing_else() {
    let host = kitchens().await;
    let staging = with_roots(&host, &["file:///home/ann", "orgata://environment/staging"]).await;
    for names in listed(&staging).await {
        assert_eq!(names, ["kitchen-v2"]);
    }
    let of = |runtime: &str| json!({ "runtimeId": runtime });
    for tool in ["list_playbooks", "list_operations"] {
        let own = staging.call(tool, of("kitchen-v2")).await;
        assert_ne!(own["items"], json!([]), "{tool}");
        assert_eq!(staging.call(tool, of("kitchen-v1")).await["items"], json!([]), "{tool}");
    }
    // What is named is read, wherever it is: roots are no permission.
    assert!(staging.read("orgata://runtime/kitchen-v1").await.contains("development"));

    let other = with_roots(&host, &["file:///home/ann"]).await;
    for names in listed(&other).await {
        assert_eq!(names, ["kitchen-v1", "kitchen-v2"], "what is not ours narrows nothing");
    }
    let nowhere = with_roots(&host, &["orgata://environment/prod"]).await;
    for names in listed(&nowhere).await {
        assert!(names.is_empty(), "{names:?}");
    }
}

#[tokio::test]
async fn roots_that_change_are_asked_for_again() {
    let host = kitchens().await;
    let mut assistant = with_roots(&host, &["orgata://environment/staging"]).await;
    assert_eq!(listed(&assistant).await[2], ["kitchen-v2"]);
    assert_eq!(*assistant.asked_for_roots.lock().unwrap(), 1, "once, whatever is listed");
    *assistant.roots.lock().unwrap() = vec!["orgata://environment/development".to_owned()];
    assistant.client.notify_roots_list_changed().await.unwrap();
    assistant.until(|told| *told == Told::List).await;
    assert_eq!(listed(&assistant).await[2], ["kitchen-v1"]);
    assert_eq!(*assistant.asked_for_roots.lock().unwrap(), 2);
}

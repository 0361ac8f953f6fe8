//! What the running host has: runtimes, playbooks, schedules, questions.

use orgata_tests::http::Reply;
use serde_json::json;

use crate::{ASK, host, setup};

#[tokio::test]
async fn runtimes_are_listed_shown_made_and_retired() {
    let host = host().await;
    let list = host.cli(&["runtime", "list"]).await.succeeded();
    let row = list.lines().find(|line| line.starts_with("desk")).expect("there is a row");
    assert!(row.contains("development"), "{list}");
    let shown = host.cli(&["runtime", "show", "desk"]).await.succeeded();
    for part in ["playbooks\n  ask", "bench/noop", "roles", "grants"] {
        assert!(shown.contains(part), "{part} is missing:\n{shown}");
    }
    let create =
        ["runtime", "create", "attic", "--environment", "development", "--description", "Old things"];
    assert_eq!(host.cli(&create).await.succeeded().trim(), "attic is there, in development");
    let made = host.cli(&["runtime", "show", "attic", "--json"]).await.json();
    assert_eq!((&made["environment"], &made["description"]), (&json!("development"), &json!("Old things")));
    let wrong = host.cli(&["runtime", "create", "cellar", "--environment", "dark"]).await;
    assert!(wrong.code != Some(0) && wrong.stderr.contains("dark"), "{wrong:?}");
    host.cli(&["runtime", "retire", "attic"]).await.succeeded();
    Reply::read("the attic", host.client().get(host.url("/api/v1/runtimes/attic")))
        .await
        .refused(404, "RUNTIME_NOT_FOUND");
}

#[tokio::test]
async fn playbooks_are_published_from_files_listed_and_retired() {
    let host = host().await;
    std::fs::write(host.folder().join("twice.yaml"), ASK.replace("name: ask", "name: twice\nversion: 2.1.0"))
        .unwrap();
    let told = host.cli(&["playbook", "publish", "twice.yaml"]).await.succeeded();
    assert!(told.contains("twice 2.1.0 is current in desk") && told.contains("orgata run twice"), "{told}");
    let list = host.cli(&["playbook", "list"]).await.succeeded();
    let row = list.lines().find(|line| line.starts_with("twice")).expect("there is a row");
    assert!(row.contains("desk") && row.contains("2.1.0"), "{list}");
    let items = host.cli(&["playbook", "list", "--runtime", "desk", "--json"]).await.json()["items"].clone();
    assert_eq!(items[1]["name"], "twice");
    assert_eq!(items[1]["runtimeId"], "desk");

    std::fs::write(host.folder().join("bad.yaml"), "name: bad\nsteps: [{ name: a, opration: x/y }]\n")
        .unwrap();
    let wrong = host.cli(&["playbook", "publish", "bad.yaml"]).await.failed(1);
    assert!(wrong.contains("opration") && wrong.contains("nothing is published"), "{wrong}");
    let unknown = ASK.replace("name: ask", "name: unfit").replace("bench/noop", "bench/nope");
    std::fs::write(host.folder().join("unfit.yaml"), unknown).unwrap();
    let wrong = host.cli(&["playbook", "publish", "unfit.yaml"]).await.failed(5);
    assert!(wrong.contains("bench/nope"), "{wrong}");

    host.cli(&["playbook", "retire", "twice"]).await.succeeded();
    assert!(!host.cli(&["playbook", "list"]).await.succeeded().contains("twice"));
}

#[tokio::test]
async fn what_starts_by_itself_is_listed() {
    let host = host().await;
    let none = host.cli(&["runtime", "schedules"]).await.succeeded();
    assert!(none.contains("nothing starts by itself"), "{none}");
    let daily = ASK.replace(
        "name: ask",
        "name: daily\nschedule: { cron: '0 8 * * *', timezone: Europe/Berlin, input: { n: 1 } }",
    );
    let host = setup().playbook("daily", &daily).start().await;
    let list = host.cli(&["runtime", "schedules"]).await.succeeded();
    let row = list.lines().nth(1).expect("there is a row");
    for part in ["daily", "desk", "0 8 * * *", "Europe/Berlin"] {
        assert!(row.contains(part), "{part} is missing:\n{list}");
    }
}

#[tokio::test]
async fn the_inbox_shows_what_waits_and_how_to_answer() {
    let host = host().await;
    let none = host.cli(&["inbox"]).await.succeeded();
    assert!(none.contains("no question waits for you"), "{none}");
    let id = host.begin("ask", json!({ "n": 7 })).await;
    host.until(&id, orgata_tests::matchers::asked("choose")).await;
    let inbox = host.cli(&["inbox"]).await.succeeded();
    for part in [id.0.as_str(), "ask", "desk", "choose", "Now?", &format!("orgata answer {id}")] {
        assert!(inbox.contains(part), "{part} is missing:\n{inbox}");
    }
    assert_eq!(host.cli(&["inbox", "--role", "nobody", "--json"]).await.json()["items"], json!([]));
}

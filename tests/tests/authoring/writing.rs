//! The way that goes well.

use std::time::{Duration, Instant};

use orgata_tests::drafts::Sources;
use orgata_tests::matchers::completed;
use serde_json::json;

use crate::{desk, doubling, plugin, wish};

/// Against a hang only: unoptimised, on a busy machine.
const LOOSE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn an_operation_is_written_tested_loaded_and_run_while_the_host_runs() {
    let host = desk().await;
    let sources = doubling(&host).await;
    let began = Instant::now();
    let draft = host.build(&sources).await.is(201);
    println!("built in {:?}: {} bytes", began.elapsed(), draft["size"]);
    let digest = draft["digest"].as_str().unwrap();
    assert_eq!(draft["plugin"]["effect"], "pure", "{draft}");

    let known = host.validate(digest).await;
    assert_eq!(known["loadable"], true, "{known}");
    assert_eq!(known["operations"][0]["name"], "numbers/double", "{known}");
    assert_eq!(known["wants"], json!([]), "{known}");
    assert_eq!(known["change"]["added"], json!(["double"]), "{known}");

    let cases = json!([{ "operation": "double", "name": "large", "input": { "n": 21 }, "expected": { "twice": 42 } }]);
    let tested = host.test(digest, json!({ "cases": cases })).await;
    assert_eq!((&tested["passed"], &tested["failed"]), (&json!(2), &json!(0)), "{tested}");
    assert!(tested["trials"][0]["log"][0]["message"].as_str().unwrap().contains("double begins"), "{tested}");
    assert!(host.current("numbers").await.is_none(), "what is tested is not published");

    let loaded = host.load(digest, json!({ "runtimeId": "desk" })).await.is(200);
    assert_eq!(loaded["findings"], json!([]), "{loaded}");
    let id = host.begin("doubled", json!({ "n": 4 })).await;
    assert_eq!(host.until(&id, completed()).await, json!({ "twice": 8 }));
    println!("from source to a step that ran: {:?}", began.elapsed());
    assert!(began.elapsed() < LOOSE, "{:?}", began.elapsed());
}

#[tokio::test]
async fn a_first_draft_builds_and_passes_its_own_example_as_it_is() {
    let host = desk().await;
    let greeting = json!({ "name": "greeter/greet", "language": "javascript" });
    let mut observing = wish();
    observing["effect"] = json!("observing");
    for (wish, effect) in [(greeting, "pure"), (wish(), "pure"), (observing, "observing")] {
        let sources = host.scaffold(wish).await;
        let draft = host.build(&sources).await.is(201);
        assert_eq!(draft["plugin"]["effect"], effect, "{draft}");
        let tested = host.test(draft["digest"].as_str().unwrap(), json!({})).await;
        assert_eq!((&tested["passed"], &tested["failed"]), (&json!(1), &json!(0)), "{tested}");
    }
}

#[tokio::test]
async fn a_plugin_may_have_several_modules() {
    let host = desk().await;
    let run = "return { tag: 'done', val: JSON.stringify(shout(JSON.parse(input))) };";
    let main = plugin("modules", "import { shout } from './lib/shout.js';", run);
    let sources = Sources::module(&main)
        .with("lib/shout.js", "export const shout = (text) => text.toUpperCase();\n")
        .with("package.json", r#"{ "main": "plugin.js" }"#);
    let digest = host.built(&sources).await;
    let case = json!({ "operation": "modules/run", "input": "hello", "expected": "HELLO" });
    let tested = host.test(&digest, json!({ "cases": [case] })).await;
    assert_eq!(tested["passed"], 1, "{tested}");
}

#[tokio::test]
async fn a_question_is_told_and_can_be_answered_by_the_case() {
    let host = desk().await;
    let ask = "return { tag: 'ask', val: { kind: 'approval', prompt: 'Go on?', options: ['yes', 'no'],
        responseSchema: '{\"enum\":[\"yes\",\"no\"]}', assigneeRole: undefined, timeoutMs: undefined, resumeState: '7' } };";
    let digest = host.built(&Sources::module(&plugin("asker", "", ask))).await;
    let case = |answers: serde_json::Value| json!({ "operation": "run", "input": 1, "answers": answers });
    let cases = json!([case(json!([])), case(json!(["yes"])), case(json!(["perhaps"]))]);
    let tested = host.test(&digest, json!({ "cases": cases })).await;
    let trials = tested["trials"].as_array().unwrap();
    let trials: Vec<_> = trials.iter().filter(|trial| trial["verdict"] != "skipped").collect();
    assert_eq!(trials[0]["verdict"], "asked", "{tested}");
    assert_eq!(trials[0]["question"]["prompt"], "Go on?", "{tested}");
    assert_eq!(trials[1]["output"], json!({ "state": 7, "answer": "yes" }), "{tested}");
    assert_eq!(trials[2]["verdict"], "asked", "{tested}");
    assert!(trials[2]["reason"].as_str().unwrap().contains("does not fit"), "{tested}");
}

#[tokio::test]
async fn a_plugin_in_rust_is_not_built_without_a_sandbox_for_its_build_scripts() {
    let host = desk().await;
    let sources = host.scaffold(json!({ "name": "greeter", "language": "rust" })).await;
    assert!(sources.text("src/lib.rs").contains("greeter/greeter"), "one word names plugin and operation");
    let installed = std::env::split_paths(&std::env::var_os("PATH").unwrap())
        .any(|folder| folder.join("bwrap").is_file());
    if installed {
        println!("bubblewrap is installed: whether it builds there, a machine with crates on it tells");
        return;
    }
    let refused = host.build(&sources).await.refused(501, "BUILD_UNAVAILABLE");
    assert!(refused["message"].as_str().unwrap().contains("bubblewrap"), "{refused}");
}

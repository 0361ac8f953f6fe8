//! What is wrong with sources is told where it is.

use orgata_tests::drafts::Sources;
use serde_json::json;

use crate::{desk, doubling, plugin};

#[tokio::test]
async fn a_mistake_has_a_file_and_a_line() {
    let host = desk().await;
    let sources = doubling(&host).await;
    let broken = sources.text("numbers.js").replace("twice: 2 * input.n", "twice: 2 *");
    let line = broken.lines().position(|line| line.contains("twice: 2 *")).unwrap() + 1;
    let refused = host.build(&sources.with("numbers.js", &broken)).await.refused(422, "BUILD_FAILED");
    let problem = &refused["details"]["problems"][0];
    assert_eq!((&problem["file"], &problem["line"]), (&json!("numbers.js"), &json!(line)), "{refused}");
    assert!(refused["message"].as_str().unwrap().starts_with(&format!("numbers.js:{line}:")), "{refused}");
}

#[tokio::test]
async fn what_goes_wrong_while_a_module_is_loaded_has_a_place_too() {
    let host = desk().await;
    let sources = Sources::module(&plugin("x", "import './other.js';", ""))
        .with("other.js", "// first\nthrow new Error('no such luck');\n")
        .with("package.json", r#"{ "main": "plugin.js" }"#);
    let refused = host.build(&sources).await.refused(422, "BUILD_FAILED");
    let problem = &refused["details"]["problems"][0];
    assert_eq!((&problem["file"], &problem["line"]), (&json!("other.js"), &json!(2)), "{refused}");
    assert!(problem["message"].as_str().unwrap().contains("no such luck"), "{refused}");

    let gone = Sources::module(&plugin("x", "import './gone.js';", ""));
    let refused = host.build(&gone).await.refused(422, "BUILD_FAILED");
    assert!(refused["message"].as_str().unwrap().contains("gone.js"), "{refused}");
}

#[tokio::test]
async fn a_component_that_is_no_plugin_is_a_draft_that_cannot_be_loaded() {
    let host = desk().await;
    let draft = host.build(&Sources::module("export const nothing = 1;\n")).await.is(201);
    assert_eq!(draft["refusal"]["code"], "DESCRIBE_FAILED", "{draft}");
    let digest = draft["digest"].as_str().unwrap();
    let known = host.validate(digest).await;
    assert_eq!(known["loadable"], false, "{known}");
    assert_eq!(known["findings"][0]["severity"], "error", "{known}");
    host.load(digest, json!({})).await.refused(422, "PLUGIN_REFUSED");
}

#[tokio::test]
async fn names_that_lead_out_of_the_folder_are_refused() {
    let host = desk().await;
    let mark = host.folder().join("out.js");
    let climbing = format!("../../../../../../../..{}", mark.display());
    for bad in ["../out.js", "/tmp/out.js", "a/../../out.js", ".npmrc", "a\\b.js", climbing.as_str()] {
        let sources = Sources::module(&plugin("x", "", "")).with(bad, "1");
        let refused = host.build(&sources).await.refused(422, "BUILD_FAILED");
        assert_eq!(refused["details"]["code"], "BAD_SOURCES", "{bad}: {refused}");
    }
    assert!(!mark.exists());
    // What a module imports is looked for in the plugin's folder, and nowhere else.
    for outside in ["/etc/hostname", "../../etc/hostname", "../../../../../etc/passwd"] {
        let sources = Sources::module(&plugin("x", &format!("import {outside:?};"), ""));
        host.build(&sources).await.refused(422, "BUILD_FAILED");
    }
}

#[tokio::test]
async fn a_draft_that_nobody_built_is_not_there() {
    let host = desk().await;
    let nobodys = format!("sha256:{}", "0".repeat(64));
    let refused = host.get(&format!("/api/v1/drafts/{nobodys}")).await.refused(404, "DRAFT_NOT_FOUND");
    assert!(refused["message"].as_str().unwrap().contains("build it again"), "{refused}");
    host.load(&nobodys, json!({})).await.refused(404, "DRAFT_NOT_FOUND");
    let wish = json!({ "name": "No Name", "language": "javascript" });
    host.post("/api/v1/drafts/scaffold", wish).await.refused(400, "BAD_REQUEST");
}

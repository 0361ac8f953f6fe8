//! Resources: lists, pages, templates, completion.

use std::collections::BTreeSet;

use orgata_tests::matchers::asked;
use orgata_tests::{HostSetup, TestHost};
use rmcp::model::*;
use serde_json::{Value, json};

use crate::assistant::BOTH;
use crate::{Assistant, Era};

#[tokio::test]
async fn everything_that_is_listed_can_be_read() {
    let host = TestHost::kitchen().await;
    let id = host.begin("pbj-sandwich", json!({ "sandwichType": "classic" })).await;
    host.until(&id, asked("choose-jelly")).await;
    for era in BOTH {
        let assistant = Assistant::plain(&host, era).await;
        let resources = assistant.client.list_all_resources().await.unwrap();
        let uris: Vec<&str> = resources.iter().map(|resource| resource.uri.as_str()).collect();
        for expected in [
            "orgata://runtime/kitchen-v1",
            "orgata://playbook/kitchen-v1/pbj-sandwich",
            "orgata://role/kitchen-v1/chef",
            "orgata://operation/kitchen-v1/kitchen/spread",
            &format!("orgata://execution/{id}"),
        ] {
            assert!(uris.contains(&expected), "{expected} is not among {uris:#?}");
        }
        for uri in uris {
            let text = assistant.read(uri).await;
            if uri.starts_with("orgata://playbook/") {
                assert!(text.contains("name: pbj-sandwich"), "{text}");
            } else {
                assert!(serde_json::from_str::<Value>(&text).unwrap().is_object(), "{text}");
            }
        }
        let state: Value =
            serde_json::from_str(&assistant.read(&format!("orgata://execution/{id}")).await).unwrap();
        assert_eq!(state["interventions"][0]["prompt"], "Which jelly flavor?");
        assert_eq!(assistant.client.list_all_resource_templates().await.unwrap().len(), 5);
    }
}

#[tokio::test]
async fn what_rest_shows_a_resource_shows() {
    let host = TestHost::kitchen().await;
    let assistant = Assistant::plain(&host, Era::Stateless).await;
    for (uri, path) in [
        ("orgata://runtime/kitchen-v1", "/api/v1/runtimes/kitchen-v1"),
        ("orgata://role/kitchen-v1/chef", "/api/v1/runtimes/kitchen-v1/roles/chef"),
        (
            "orgata://operation/kitchen-v1/kitchen/spread",
            "/api/v1/runtimes/kitchen-v1/operations/kitchen/spread",
        ),
        (
            "orgata://operation/kitchen-v1/kitchen%2Fspread",
            "/api/v1/runtimes/kitchen-v1/operations/kitchen/spread",
        ),
    ] {
        let read: Value = serde_json::from_str(&assistant.read(uri).await).unwrap();
        assert_eq!(read, host.get(path).await.is(200), "{uri}");
    }
}

#[tokio::test]
async fn long_lists_come_page_by_page_without_a_gap_or_a_repeat() {
    let mut setup = HostSetup::new().plugin("bench");
    for number in 0..230 {
        let yaml = format!("name: p{number}\nsteps:\n  - {{ name: a, wait: 1h }}\n");
        setup = setup.playbook(&format!("p{number}"), &yaml);
    }
    let host = setup.runtime("desk", json!({})).start().await;
    for number in 0..120 {
        host.begin(&format!("p{number}"), json!({})).await;
    }
    let assistant = Assistant::plain(&host, Era::Sessions).await;
    let mut pages = 0;
    let (mut seen, mut cursor) = (Vec::new(), None);
    loop {
        let params = PaginatedRequestParams::default().with_cursor(cursor);
        let page = assistant.client.list_resources(Some(params)).await.unwrap();
        pages += 1;
        assert!(page.resources.len() <= 100);
        seen.extend(page.resources.into_iter().map(|resource| resource.uri));
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    let different: BTreeSet<&String> = seen.iter().collect();
    let of = |kind: &str| seen.iter().filter(|uri| uri.starts_with(&format!("orgata://{kind}/"))).count();
    assert_eq!((of("playbook"), of("execution"), different.len()), (230, 120, seen.len()));
    assert!(pages >= 5, "{pages}");
    for wrong in ["", "x", "defined", "executions nothing"] {
        let params = PaginatedRequestParams::default().with_cursor(Some(wrong.to_owned()));
        let refused = assistant.client.list_resources(Some(params)).await.unwrap_err();
        assert!(refused.to_string().contains("-32602"), "{wrong:?}: {refused}");
    }
}

#[tokio::test]
async fn what_is_not_there_is_told_as_each_revision_wants_it() {
    let host = TestHost::kitchen().await;
    for (era, code) in [(Era::Sessions, -32002), (Era::Stateless, -32602)] {
        let assistant = Assistant::plain(&host, era).await;
        for uri in [
            "orgata://runtime/nowhere",
            "orgata://playbook/kitchen-v1/nothing",
            "orgata://execution/exec_00000000000000000000000000000000",
            "orgata://secret/kitchen-v1",
            "file:///etc/passwd",
        ] {
            let params = ReadResourceRequestParams::new(uri);
            match assistant.client.read_resource(params).await.unwrap_err() {
                rmcp::ServiceError::McpError(error) => {
                    let named = error.data.as_ref().map(|data| data["uri"].clone());
                    assert_eq!((error.code.0, named), (code, Some(json!(uri))), "{error}");
                }
                other => panic!("{uri}: {other}"),
            }
        }
    }
}

#[tokio::test]
async fn variables_and_arguments_are_completed() {
    let host = TestHost::kitchen().await;
    let id = host.begin("pbj-sandwich", json!({ "sandwichType": "classic" })).await;
    let playbook = "orgata://playbook/{runtime}/{playbook}";
    for era in BOTH {
        let assistant = Assistant::plain(&host, era).await;
        let complete = async |reference: Reference, name: &str, value: &str| {
            let params = CompleteRequestParams::new(reference, ArgumentInfo::new(name, value));
            assistant.client.complete(params).await.map(|result| result.completion.values)
        };
        let template = |uri: &str| Reference::for_resource(uri);
        assert_eq!(complete(template(playbook), "runtime", "kit").await.unwrap(), ["kitchen-v1"]);
        assert_eq!(complete(template(playbook), "playbook", "pbj").await.unwrap(), ["pbj-sandwich"]);
        assert!(complete(template(playbook), "playbook", "x").await.unwrap().is_empty());
        let execution = template("orgata://execution/{execution}");
        assert_eq!(complete(execution, "execution", &id.0[..10]).await.unwrap(), [id.0.as_str()]);
        let prompt = Reference::for_prompt("suggest_process_improvements");
        assert_eq!(complete(prompt, "execution", "exec_").await.unwrap(), [id.0.as_str()]);
        let prompt = Reference::for_prompt("generate_operation_prompt");
        assert_eq!(complete(prompt, "effect", "").await.unwrap(), ["effectful", "observing", "pure"]);
        assert!(complete(template("orgata://execution/{execution}"), "runtime", "").await.is_err());
        assert!(complete(Reference::for_prompt("nothing"), "runtime", "").await.is_err());
    }
}

#[tokio::test]
async fn lists_that_depend_on_who_asks_are_not_for_shared_caches() {
    let host = TestHost::kitchen().await;
    let assistant = Assistant::plain(&host, Era::Stateless).await;
    let resources = assistant.client.list_resources(None).await.unwrap();
    assert_eq!(resources.cache_scope, Some(CacheScope::Private));
    let tools = assistant.client.list_tools(None).await.unwrap();
    assert_eq!(tools.cache_scope, Some(CacheScope::Public));
    assert!(tools.tools.iter().all(|tool| tool.description.as_ref().is_some_and(|about| !about.is_empty())));
}

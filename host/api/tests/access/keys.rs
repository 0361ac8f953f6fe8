//! Keys: made, brought, narrowed, revoked.

use orgata_api::AuthSettings;
use orgata_engine::{Principal, PrincipalKind};
use serde_json::{Value, json};

use crate::support::Host;
use crate::world::{bare, guarded, identity, make_key};

/// A host that asks for keys, with one that may do everything.
async fn host() -> (Host, String) {
    let mut host = Host::new().await;
    let settings = AuthSettings { api_keys: Some(true), ..AuthSettings::default() };
    host.router = guarded(&host.engine, &settings).await;
    let root = orgata_engine::Identity {
        reach: orgata_engine::Reach::Everything,
        ..identity("root", PrincipalKind::User, &[])
    };
    let key = make_key(&host.engine, root).await;
    (host, key)
}

async fn ask(host: &Host, key: &str, method: &str, path: &str, body: Value) -> crate::support::Answer {
    let request = crate::support::request(method, path).header("authorization", format!("Bearer {key}"));
    let request = request.header("content-type", "application/json");
    host.ask(request.body(axum::body::Body::from(body.to_string())).unwrap()).await
}

#[tokio::test]
async fn a_key_is_shown_once_and_good_until_it_is_revoked() {
    let (host, root) = host().await;
    let body = json!({ "name": "night-shift", "kind": "service", "environments": ["development"], "expiresIn": "90d" });
    let made = ask(&host, &root, "POST", "/api/v1/keys", body).await;
    assert_eq!(
        (made.status.as_u16(), &made.headers["cache-control"]),
        (201, &"no-store".parse().unwrap()),
        "{}",
        made.text
    );
    let made = made.json();
    let key = made["key"].as_str().unwrap();
    assert!(key.starts_with("orgata_"), "{key}");
    assert_eq!((&made["createdBy"], &made["kind"]), (&json!("root"), &json!("service")));

    let listed = ask(&host, &root, "GET", "/api/v1/keys", json!(null)).await;
    // The secret itself may have the letter that separates.
    let secret = key.splitn(3, '_').nth(2).unwrap();
    assert_eq!(secret.len(), 43);
    assert!(!listed.text.contains(secret) && listed.text.contains("night-shift"), "{}", listed.text);

    assert_eq!(ask(&host, key, "GET", "/api/v1/runtimes", json!(null)).await.status, 200);
    let path = format!("/api/v1/keys/{}", made["keyId"].as_str().unwrap());
    assert_eq!(ask(&host, &root, "DELETE", &path, json!(null)).await.status, 204);
    let refused = ask(&host, key, "GET", "/api/v1/runtimes", json!(null)).await;
    assert_eq!((refused.status.as_u16(), refused.code().as_str()), (401, "UNAUTHENTICATED"));
    let told = refused.headers["www-authenticate"].to_str().unwrap();
    assert!(
        told.starts_with(
            "Bearer resource_metadata=\"http://localhost/.well-known/oauth-protected-resource\""
        ),
        "{told}"
    );
    assert!(told.contains("invalid_token"), "{told}");
}

#[tokio::test]
async fn what_is_nearly_a_key_is_none() {
    let (host, root) = host().await;
    let swapped: String = root.chars().rev().collect();
    let (head, secret) = root.split_at(root.len() - 43);
    let other = format!("{head}{}{}", if secret.starts_with('9') { '8' } else { '9' }, &secret[1..]);
    for bad in
        ["", "orgata_", &root[..root.len() - 1], &format!("{root}x"), &swapped, &other, &root.to_uppercase()]
    {
        let refused = ask(&host, bad, "GET", "/api/v1/runtimes", json!(null)).await;
        assert_eq!((refused.status.as_u16(), refused.code().as_str()), (401, "UNAUTHENTICATED"), "{bad}");
    }
    let twice = crate::support::request("GET", "/api/v1/runtimes")
        .header("authorization", format!("Bearer {root}"))
        .header("authorization", "Bearer x");
    assert_eq!(host.ask(twice.body(axum::body::Body::empty()).unwrap()).await.status, 401);
    assert_eq!(ask(&host, &root, "GET", "/api/v1/runtimes", json!(null)).await.status, 200);
}

#[tokio::test]
async fn a_key_that_has_expired_is_good_for_nothing() {
    let (host, root) = host().await;
    let body = json!({ "name": "x", "kind": "service", "environments": ["development"], "expiresIn": "1ms" });
    let made = ask(&host, &root, "POST", "/api/v1/keys", body).await.json();
    let end: jiff::Timestamp = made["expiresAt"].as_str().unwrap().parse().unwrap();
    while host.engine.now() < end {
        tokio::task::yield_now().await;
    }
    let refused = ask(&host, made["key"].as_str().unwrap(), "GET", "/api/v1/runtimes", json!(null)).await;
    assert_eq!(refused.status, 401);
}

#[tokio::test]
async fn a_key_makes_no_key_that_may_do_more() {
    let (host, root) = host().await;
    // In development everybody may do everything who may enter it.
    let body = json!({ "name": "dev", "kind": "service", "environments": ["development"] });
    let dev =
        ask(&host, &root, "POST", "/api/v1/keys", body).await.json()["key"].as_str().unwrap().to_owned();
    for (body, status) in [
        (json!({ "name": "a", "kind": "assistant", "environments": ["development"] }), 201),
        (json!({ "name": "a", "kind": "service", "environments": ["production"] }), 403),
        (json!({ "name": "a", "kind": "service", "everything": true }), 403),
        (json!({ "name": "a", "kind": "service", "environments": ["development"], "roles": ["boss"] }), 403),
        (json!({ "name": "a", "kind": "user", "environments": ["development"] }), 403),
        (json!({ "name": "a\nb", "kind": "service" }), 400),
        (json!({ "name": "a", "kind": "service", "everything": true, "environments": ["staging"] }), 400),
        (json!({ "name": "a", "kind": "service", "scopes": ["everything"] }), 400),
    ] {
        let answer = ask(&host, &dev, "POST", "/api/v1/keys", body.clone()).await;
        assert_eq!(answer.status, status, "{body}: {}", answer.text);
    }
}

#[tokio::test]
async fn a_scope_narrows_even_who_may_do_everything() {
    let (host, root) = host().await;
    let body = json!({ "name": "eye", "kind": "service", "everything": true, "scopes": ["runtime:read"] });
    let eye =
        ask(&host, &root, "POST", "/api/v1/keys", body).await.json()["key"].as_str().unwrap().to_owned();
    assert_eq!(ask(&host, &eye, "GET", "/api/v1/runtimes/kitchen-v1", json!(null)).await.status, 200);
    let refused = ask(
        &host,
        &eye,
        "POST",
        "/api/v1/runtimes/kitchen-v1/executions",
        json!({ "playbookName": "hello" }),
    )
    .await;
    assert_eq!((refused.status.as_u16(), refused.code().as_str()), (403, "FORBIDDEN"));
    assert_eq!(ask(&host, &eye, "GET", "/api/v1/keys", json!(null)).await.status, 403);
}

#[tokio::test]
async fn where_nobody_is_asked_a_bad_key_is_refused_all_the_same() {
    let mut host = Host::new().await;
    host.router = guarded(&host.engine, &AuthSettings::default()).await;
    assert_eq!(host.ask(bare("GET", "/api/v1/runtimes")).await.status, 200);
    assert_eq!(ask(&host, "orgata_x", "GET", "/api/v1/runtimes", json!(null)).await.status, 401);
    let key = make_key(&host.engine, identity("ann", PrincipalKind::User, &[])).await;
    assert_eq!(ask(&host, &key, "GET", "/api/v1/runtimes", json!(null)).await.status, 200);
    host.router =
        guarded(&host.engine, &AuthSettings { api_keys: Some(false), ..AuthSettings::default() }).await;
    assert_eq!(ask(&host, &key, "GET", "/api/v1/runtimes", json!(null)).await.status, 401);
}

#[tokio::test]
async fn what_is_said_of_an_execution_names_who_brought_the_key() {
    let (host, root) = host().await;
    let body = json!({ "name": "ann", "kind": "user", "environments": ["development"] });
    let ann =
        ask(&host, &root, "POST", "/api/v1/keys", body).await.json()["key"].as_str().unwrap().to_owned();
    let path = "/api/v1/runtimes/kitchen-v1/executions?wait=10s";
    let started =
        ask(&host, &ann, "POST", path, json!({ "playbookName": "hello", "input": { "who": "x" } })).await;
    let id = started.json()["executionId"].as_str().unwrap().to_owned();
    let history =
        ask(&host, &ann, "GET", &format!("/api/v1/executions/{id}/history"), json!(null)).await.json();
    assert_eq!(history["items"][0]["event"]["actor"], "ann", "{history}");
    let me = Principal::local();
    assert_eq!(host.engine.list_keys(&me).unwrap().len(), 2);
    assert!(host.engine.list_keys(&me).unwrap().iter().all(|key| key.last_used_at.is_some()));
}

#[tokio::test]
async fn whoever_follows_an_execution_hears_no_more_of_it_once_its_key_is_revoked() {
    let (host, _) = host().await;
    let me = Principal::local();
    make_key(&host.engine, identity("ann", PrincipalKind::User, &[])).await;
    let key = host.engine.list_keys(&me).unwrap().last().unwrap().id;
    let ann = host.engine.holder(key, |_| true).unwrap();
    let open = Host { router: crate::world::unguarded(&host.engine), ..Host::new().await };
    let execution = open.start("hello", json!({ "who": "x" })).await.parse().unwrap();
    let mut watch = host.engine.watch(&ann, execution, 1).await.unwrap();
    assert!(watch.next().await.unwrap().is_some());
    host.engine.revoke_key(&me, key).await.unwrap();
    assert_eq!(watch.next().await.unwrap_err().code(), "FORBIDDEN");
    assert_eq!(host.engine.execution(&ann, execution).await.unwrap_err().code(), "EXECUTION_NOT_FOUND");
    assert!(host.engine.holder(key, |_| true).is_none());
}

#[tokio::test]
async fn how_to_get_in_is_told_to_everybody() {
    let (host, _) = host().await;
    for (path, resource) in [("", "http://localhost"), ("/mcp", "http://localhost/mcp")] {
        let told = host.ask(bare("GET", &format!("/.well-known/oauth-protected-resource{path}"))).await;
        assert_eq!(
            (told.status.as_u16(), &told.json()["resource"]),
            (200, &json!(resource)),
            "{}",
            told.text
        );
    }
    let refused = host.ask(bare("POST", "/mcp")).await;
    let told = refused.headers["www-authenticate"].to_str().unwrap();
    assert!(told.contains("/.well-known/oauth-protected-resource/mcp"), "{told}");
    // What is not there is nobody's business either.
    assert_eq!(host.ask(bare("GET", "/api/v1/none-such")).await.status, 401);
}

#[tokio::test]
async fn who_makes_a_runtime_grants_no_more_than_they_may_confirm() {
    let (host, root) = host().await;
    let reaches = json!({ "words": { "network": ["169.254.169.254:80"], "privateAddresses": true } });
    let model = json!({ "provider": "ollama", "baseUrl": "http://localhost:11434", "model": "small" });
    // In staging nobody may do everything, and in development an assistant may do all but confirm.
    for (kind, environment, name) in [("service", "staging", "crew"), ("assistant", "development", "helper")]
    {
        let body = json!({ "name": name, "kind": kind, "environments": [environment] });
        let key = ask(&host, &root, "POST", "/api/v1/keys", body).await.json()["key"].clone();
        let key = key.as_str().unwrap();
        let runtime = |what: &str, value: &Value| json!({ "runtimeId": format!("of-{name}"), "environment": environment, what: value });
        for (what, value) in [("grants", &reaches), ("model", &model)] {
            let refused = ask(&host, key, "POST", "/api/v1/runtimes", runtime(what, value)).await;
            assert_eq!(
                (refused.status.as_u16(), refused.code().as_str()),
                (403, "FORBIDDEN"),
                "{}",
                refused.text
            );
        }
        let bare =
            ask(&host, key, "POST", "/api/v1/runtimes", runtime("grants", &json!({ "words": {} }))).await;
        assert_eq!(bare.status, 201, "{}", bare.text);
    }
    let granted = json!({ "runtimeId": "of-root", "environment": "staging", "grants": reaches });
    assert_eq!(ask(&host, &root, "POST", "/api/v1/runtimes", granted).await.status, 201);
}

#[tokio::test]
async fn the_document_of_a_host_that_asks_says_so() {
    let (host, _) = host().await;
    let document = host.get("/api/openapi.json").await.json();
    assert_eq!(document["security"], json!([{ "bearer": [] }]));
    assert_eq!(document["paths"]["/health"]["get"]["security"], json!([]), "it is open to everybody");
    assert!(
        document["paths"]["/metrics"]["get"].get("security").is_none(),
        "it takes what all the others take"
    );
    let open = Host::new().await.get("/api/openapi.json").await.json();
    assert_eq!(
        open["security"],
        json!([{}, { "bearer": [] }]),
        "who need not prove anything may all the same"
    );
}

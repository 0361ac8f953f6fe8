//! Which version of a plugin a runtime gets: confirmed, pending, revoked.

use orgata_engine::access::AuditLine;
use orgata_engine::grants::PluginGrants;
use orgata_engine::ports::AuditQuery;
use orgata_engine::{EngineError, Principal, PrincipalKind};
use orgata_model::Digest;
use orgata_model::execution::Status;
use orgata_model::operation::EffectClass;
use serde_json::json;

use crate::durability::steps;
use crate::support::TestHost;
use crate::support::host::{ada, request, runtime, within};

const KV: &str = "orgata:plugin/kv@1.0.0";
const HTTP: &str = "wasi:http/outgoing-handler@0.2.4";

/// Loads a version of `mail` that imports this.
fn load(host: &TestHost, version: u32, imports: &[&str]) -> Digest {
    host.world.load_wanting("mail", version, EffectClass::Effectful, &[("send", false)], imports)
}

/// A host whose playbook sends mail with a version that keeps state.
async fn host() -> (TestHost, Digest) {
    let mut host = TestHost::new().await;
    let first = load(&host, 2, &[KV]);
    // A version without imports was seen there first.
    confirm(&host, first).await.unwrap();
    host.publish(&steps(&["mail/send"])).await;
    host.restart().await;
    (host, first)
}

async fn confirm(host: &TestHost, digest: Digest) -> Result<PluginGrants, EngineError> {
    within(host.engine.confirm_grants(&ada(), &runtime(), &"mail".parse().unwrap(), Some(digest))).await
}

async fn revoke(host: &TestHost, reason: &str) -> Result<PluginGrants, EngineError> {
    let mail = "mail".parse().unwrap();
    within(host.engine.revoke_grants(&ada(), &runtime(), &mail, reason.to_owned())).await
}

fn grants(host: &TestHost) -> PluginGrants {
    let all = host.engine.grants(&ada(), &runtime()).unwrap();
    all.into_iter().find(|grants| grants.plugin.as_str() == "mail").unwrap()
}

/// The version that a new execution calls.
async fn version(host: &TestHost) -> Digest {
    let before = host.world.calls().len();
    assert_eq!(host.run(json!({ "v": 1 })).await.status, Status::Succeeded);
    host.world.calls_after(before)[0].digest
}

async fn refusal(host: &TestHost) -> String {
    let refused = within(host.try_start(request(json!({})))).await.unwrap_err();
    assert_eq!(refused.code(), "OPERATION_MISSING");
    refused.to_string()
}

async fn audit(host: &TestHost, action: &str) -> Vec<AuditLine> {
    let query = AuditQuery { action: Some(action.to_owned()), limit: 100, ..AuditQuery::default() };
    host.store.audit().audit_lines(&query).await.unwrap().items
}

#[tokio::test]
async fn a_version_that_wants_more_waits_and_executions_start_on_the_one_before() {
    let (mut host, first) = host().await;
    assert_eq!(version(&host).await, first);
    let second = load(&host, 3, &[KV, HTTP]);
    for _ in 0..2 {
        assert_eq!(version(&host).await, first);
        let held = grants(&host);
        assert_eq!(held.confirmed.unwrap().digest, first);
        let pending = held.pending.unwrap();
        assert_eq!((pending.version.digest, pending.version.version.as_str()), (second, "3"));
        assert_eq!(pending.more.into_iter().map(|want| want.word()).collect::<Vec<_>>(), ["network"]);
        host.crash().await;
    }
    let told = audit(&host, "grant.pending").await;
    let told: Vec<_> = told.iter().filter(|line| line.principal == "mail@3").collect();
    assert_eq!(told.len(), 1, "once, over crashes: {told:?}");
    assert_eq!((told[0].kind.as_str(), told[0].verdict.as_str()), ("plugin", "denied"));

    confirm(&host, second).await.unwrap();
    assert_eq!(version(&host).await, second);
    host.crash().await;
    assert_eq!(version(&host).await, second);
    assert_eq!(grants(&host).confirmed.unwrap().by, "ada");
    assert_eq!(audit(&host, "grant.confirm").await[0].subject, format!("test/mail@{second}"));
}

#[tokio::test]
async fn a_version_that_wants_nothing_more_needs_nobody() {
    let (host, _) = host().await;
    let second = load(&host, 3, &[KV]);
    assert_eq!(version(&host).await, second);
    let held = grants(&host);
    assert_eq!((held.confirmed.unwrap().by.as_str(), held.pending.is_none()), ("host", true));
}

#[tokio::test]
async fn what_was_revoked_starts_nothing_until_somebody_confirms_also_after_a_crash() {
    let (mut host, first) = host().await;
    revoke(&host, "  it called odd servers ").await.unwrap();
    for _ in 0..2 {
        let told = refusal(&host).await;
        assert!(told.contains("revoked by ada (it called odd servers)"), "{told}");
        assert!(told.contains("orgata plugin confirm mail --runtime test"), "{told}");
        let held = grants(&host);
        assert!(held.confirmed.is_none() && !held.granted.kv);
        host.crash().await;
    }
    confirm(&host, first).await.unwrap();
    assert_eq!(version(&host).await, first);
    assert!(grants(&host).revoked.is_none());
}

#[tokio::test]
async fn only_what_was_looked_at_is_confirmed_and_a_revocation_says_why() {
    let (host, first) = host().await;
    load(&host, 3, &[KV, HTTP]);
    let refused = confirm(&host, first).await.unwrap_err();
    assert_eq!(refused.code(), "STATE_CONFLICT", "{refused}");
    assert_eq!(revoke(&host, " ").await.unwrap_err().code(), "BAD_REQUEST");
    let unknown = "nothing".parse().unwrap();
    let refused = within(host.engine.confirm_grants(&ada(), &runtime(), &unknown, None)).await.unwrap_err();
    assert_eq!(refused.code(), "PLUGIN_NOT_FOUND");
}

#[tokio::test]
async fn no_assistant_confirms_what_a_plugin_reaches() {
    let (host, _) = host().await;
    let second = load(&host, 3, &[KV, HTTP]);
    let (robot, mail) = (Principal::trusted("robot", PrincipalKind::Assistant), "mail".parse().unwrap());
    let refused = within(host.engine.confirm_grants(&robot, &runtime(), &mail, Some(second))).await;
    assert_eq!(refused.unwrap_err().code(), "FORBIDDEN");
    assert!(grants(&host).pending.is_some());
    let line = audit(&host, "grant.confirm").await.into_iter().next().unwrap();
    assert_eq!((line.principal.as_str(), line.verdict.as_str()), ("robot", "denied"));
}

#[tokio::test]
async fn when_the_version_before_is_gone_the_refusal_says_what_to_do() {
    let (mut host, first) = host().await;
    load(&host, 3, &[KV, HTTP]);
    host.settle().await;
    host.world.lose(first);
    host.crash().await;
    let told = refusal(&host).await;
    assert!(told.contains("version 3 of plugin `mail` wants network"), "{told}");
    assert!(told.contains("orgata plugin confirm mail --runtime test"), "{told}");
}

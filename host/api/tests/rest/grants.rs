//! Grants over REST: looked at, confirmed, revoked.

use serde_json::json;

use crate::support::Host;

const GRANTS: &str = "/api/v1/runtimes/kitchen-v1/grants";

#[tokio::test]
async fn what_a_plugin_wants_gets_and_does_is_listed_revoked_and_confirmed() {
    let host = Host::new().await;
    let listed = host.get(GRANTS).await.json();
    let words = listed["items"].as_array().unwrap().iter().find(|it| it["plugin"] == "words").unwrap();
    assert_eq!(words["confirmed"]["by"], "host", "{words}");
    assert_eq!((&words["wanted"], &words["used"]), (&json!([]), &json!([])));
    assert!(words.get("pending").is_none() && words.get("revoked").is_none(), "{words}");

    let revoke = format!("{GRANTS}/words/revoke");
    let refused = host.post(&revoke, json!({ "reason": "  " })).await;
    assert_eq!((refused.status.as_u16(), refused.code().as_str()), (400, "BAD_REQUEST"));
    let revoked = host.post(&revoke, json!({ "reason": "odd" })).await;
    assert_eq!(revoked.status, 200, "{}", revoked.text);
    assert_eq!(
        (&revoked.json()["revoked"]["reason"], &revoked.json()["revoked"]["by"]),
        (&json!("odd"), &json!("local"))
    );

    let digest = words["confirmed"]["digest"].clone();
    let confirm = format!("{GRANTS}/words/confirm");
    let other = format!("sha256:{}", "0".repeat(64));
    let refused = host.post(&confirm, json!({ "digest": other })).await;
    assert_eq!(
        (refused.status.as_u16(), refused.code().as_str()),
        (409, "STATE_CONFLICT"),
        "{}",
        refused.text
    );
    let confirmed = host.post(&confirm, json!({ "digest": digest })).await;
    assert_eq!(confirmed.status, 200, "{}", confirmed.text);
    assert_eq!(confirmed.json()["confirmed"]["by"], "local");
    assert!(confirmed.json().get("revoked").is_none());
}

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    let host = Host::new().await;
    for (path, code) in [
        ("/api/v1/runtimes/nowhere/grants/words/confirm", "RUNTIME_NOT_FOUND"),
        ("/api/v1/runtimes/kitchen-v1/grants/nothing/confirm", "PLUGIN_NOT_FOUND"),
    ] {
        let refused = host.post(path, json!({})).await;
        assert_eq!((refused.status.as_u16(), refused.code().as_str()), (404, code), "{}", refused.text);
    }
}

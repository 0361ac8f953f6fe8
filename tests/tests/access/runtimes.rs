//! Where nobody is asked for a name, everything is a developer's own.

use orgata_tests::TestHost;
use serde_json::json;

#[tokio::test]
async fn a_host_that_asks_nobody_makes_no_runtime_that_it_would_not_start_with() {
    let host = TestHost::kitchen().await;
    for environment in ["production", "staging", "simulation"] {
        let refused =
            host.post("/api/v1/runtimes", json!({ "runtimeId": "shop", "environment": environment })).await;
        let error = refused.refused(403, "FORBIDDEN");
        let said = format!(
            "runtime `shop` is in {environment}, and there is no authentication: set authentication.apiKeys: true and make \
             a key with `orgata key create`, or have the runtime in development"
        );
        assert_eq!(error["message"], said, "the words of the host that would not start");
    }
    host.get("/api/v1/runtimes/shop").await.refused(404, "RUNTIME_NOT_FOUND");
    let made =
        host.post("/api/v1/runtimes", json!({ "runtimeId": "bench", "environment": "development" })).await;
    made.is(201);
    // It starts again with all that it has.
    let host = host.kill_and_restart().await;
    host.get("/api/v1/runtimes/bench").await.is(200);
}

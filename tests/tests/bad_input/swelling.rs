//! What is small on its way and large where it is read: references to references, a million tiny values, packed bodies.

use futures_util::future::join_all;
use orgata_tests::http::Reply;
use reqwest::Method;
use serde_json::json;

use crate::{host, is_well};

const START: &str = "/api/v1/runtimes/desk/executions";
const PLAYBOOK: &str = "/api/v1/runtimes/desk/playbooks/ask";
/// What a host may grow by, in MiB: some bodies at the limit, as values.
const GROWTH: u64 = 256;

/// Ten lines that would be ten thousand million words.
fn references(last: &str) -> String {
    let lines = (1..10).map(|n| format!("  a{n}: &a{n} [{}]\n", vec![format!("*a{}", n - 1); 10].join(", ")));
    format!("name: ask\nx:\n  a0: &a0 [lol]\n{}{last}\n", lines.collect::<String>())
}

#[tokio::test]
async fn yaml_of_references_to_references_is_refused_at_once() {
    let host = host().await;
    let before = host.peak_memory();
    let deep: String = (0..1000).map(|n| format!("{}- \n", " ".repeat(n))).collect();
    for yaml in [
        references("steps: *a9"),
        references("input: { default: *a9 }\nsteps: [{ name: s, operation: bench/noop, params: *a9 }]"),
        "name: ask\nx: &x { y: *x }\nsteps: *x\n".to_owned(),
        "name: ask\nbase: &b { steps: [] }\nother: { <<: [*b, *b], <<: *b }\n".to_owned(),
        format!("name: ask\nsteps: {}\n", "- ".repeat(100_000)),
        format!("name: ask\nsteps:\n{deep}"),
        format!("name: ask\nsteps: [{}]\n", "{},".repeat(200_000)),
        format!("name: ask\nsteps: \"{}\"\n", "\\U0001F35E".repeat(90_000)),
        format!("? {}\n", "? ".repeat(50_000)),
        "---\n".repeat(100_000),
    ] {
        let request = host.client().put(host.url(PLAYBOOK)).header("content-type", "application/yaml");
        let error = Reply::read("swelling YAML", request.body(yaml)).await.refused(422, "PLAYBOOK_INVALID");
        let told = error.to_string().len();
        assert!(told < 64 << 10, "what is said of it has {told} bytes");
    }
    let grown = host.peak_memory() - before;
    assert!(grown < GROWTH, "the host grew by {grown} MiB");
    is_well(&host).await;
}

#[tokio::test]
async fn json_of_a_million_tiny_values_costs_little_and_is_refused() {
    let host = host().await;
    let before = host.peak_memory();
    let bodies = [
        format!("[{}0]", "0,".repeat(500_000)),
        format!("[{}[]]", "[],".repeat(300_000)),
        format!("{{{}\"z\":0}}", (0..80_000).map(|n| format!("\"{n}\":{{}},")).collect::<String>()),
        format!("\"{}\"", "\\u0000".repeat(170_000)),
        format!("1{}", "0".repeat(1_000_000)),
        format!("0.{}1", "0".repeat(1_000_000)),
    ];
    let start = |input: &String| {
        let body = format!(r#"{{"playbookName": "ask", "input": {{"n": {input}}}}}"#);
        let request = host.client().post(host.url(START)).header("content-type", "application/json");
        Reply::read("swelling JSON", request.body(body))
    };
    for reply in join_all(bodies.iter().map(start)).await {
        assert!([400, 413, 422].contains(&reply.status), "{}", reply.status);
        let told = reply.body.to_string().len();
        assert!(told < 64 << 10, "what is said of it has {told} bytes");
    }
    let grown = host.peak_memory() - before;
    assert!(grown < GROWTH, "the host grew by {grown} MiB");
    is_well(&host).await;
}

#[tokio::test]
async fn a_packed_body_is_not_unpacked() {
    let host = host().await;
    // The beginning of a gzip file; what is behind it does not matter, for nobody looks.
    let packed = [b"\x1f\x8b\x08\0\0\0\0\0\0\x03".as_slice(), &[0; 1000]].concat();
    for coding in ["gzip", "br", "deflate", "zstd"] {
        let request = host.client().request(Method::POST, host.url(START));
        let request = request.header("content-type", "application/json").header("content-encoding", coding);
        Reply::read(coding, request.body(packed.clone())).await.refused(400, "BAD_REQUEST");
    }
    let request =
        host.client().get(host.url("/api/v1/runtimes")).header("accept-encoding", "gzip, br, deflate");
    let reply = Reply::read("an answer", request).await;
    assert_eq!(reply.header("content-encoding"), "");
    assert_eq!(reply.is(200)["items"][0]["runtimeId"], json!("desk"));
}

//! Components that do harm before anybody calls them: huge to compile, vast from the start, past the network's
//! checks.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use orgata_tests::bomb::huge_to_compile;
use orgata_tests::patience::until;
use serde_json::{Value, json};

use super::{ROOM, one_step, run, strict};

#[tokio::test]
async fn a_component_that_is_huge_to_compile_is_given_up_and_others_load_after_it() {
    let setup = one_step(strict(&["hostile"]), "hostile/echo", "{ n: $input.n }");
    let host = setup.runtime("cell", json!({})).start().await;
    let mut socket = host.socket().await;
    socket.follow_runtime("cell").await;

    let bomb = huge_to_compile(0);
    assert!(bomb.len() < 4 << 20, "it looks harmless");
    host.plugins().put_bytes("bomb", &bomb);
    let compiling = until(async || (host.children() > 0).then(Instant::now)).await;
    let began = compiling.expect("compiling is another process's work");
    // Others come meanwhile, and executions run on.
    host.plugins().put("counter", "counter-1");
    let mut ran = 0;
    let refused = loop {
        let told = run(&host, "hostile/echo", json!({ "n": ran })).await;
        assert_eq!(told["output"], json!({ "n": ran }));
        ran += 1;
        let refusal = |frame: &Value| frame["event"]["type"] == "plugin_refused";
        if let Some(frame) = socket.frames().into_iter().find(refusal) {
            break frame["event"].clone();
        }
        assert!(began.elapsed() < Duration::from_secs(30), "it compiles for ever");
    };
    assert!(ran > 10, "{ran} executions ran meanwhile");
    assert_eq!((&refused["source"], &refused["code"]), (&json!("bomb.wasm"), &json!("COMPILE_LIMIT")));
    let told = refused.to_string();
    assert!(told.contains("compileTime") || told.contains("compileMemory"), "it names the limit: {told}");

    host.until_current("counter", "1.0.0").await;
    let idle = until(async || (host.children() == 0).then_some(())).await;
    assert!(idle.is_some(), "nothing compiles on");
    let peak = host.peak_memory();
    assert!(peak < ROOM, "the host itself took {peak} MiB");
}

#[tokio::test]
async fn a_component_that_wants_4_gib_from_the_start_gets_nothing() {
    let host = strict(&[]).runtime("cell", json!({})).start().await;
    let error = host.upload("vast-memory").await.refused(413, "TOO_LARGE");
    assert!(error["message"].as_str().unwrap().contains("`memory` (32 MiB)"), "it names the limit: {error}");
    let peak = host.peak_memory();
    assert!(peak < ROOM, "the host took {peak} MiB");
}

#[tokio::test]
async fn a_raw_socket_connects_to_nothing_granted_or_not() {
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    server.set_nonblocking(true).unwrap();
    let address = server.local_addr().unwrap().to_string();
    let grants = json!({ "raw-sockets": { "network": [address], "privateAddresses": true } });
    let setup = one_step(strict(&["odd-raw-sockets"]), "raw-sockets/connect", "{ to: $input.to }");
    let host = setup.runtime("cell", json!({ "grants": grants })).start().await;
    let told = run(&host, "raw-sockets/connect", json!({ "to": address })).await;
    assert_eq!(told["failure"]["code"], "not-connected", "{told}");
    assert!(server.accept().is_err(), "nobody knocked");
}

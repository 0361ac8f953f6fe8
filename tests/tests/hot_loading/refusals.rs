//! Files that are no plugins: each is refused with what is wrong and what to do, and what was current stays.

use std::fs;

use orgata_tests::guests::guest;
use orgata_tests::matchers::completed;
use orgata_tests::patience::until;
use orgata_tests::ws::Socket;
use orgata_tests::{HostSetup, TestHost};
use serde_json::{Value, json};

/// A plugin of this size is too large; the ones here are smaller.
const LARGEST: usize = 256 * 1024;

/// So long may `describe` take where that is not what a test is about.
const AMPLE: &str = "15s";

/// A host that takes files up to [`LARGEST`], and asks a plugin for so long what it offers.
async fn strict(describe_time: &str) -> TestHost {
    let limits = json!({ "sandbox": { "componentSize": LARGEST, "describeTime": describe_time } });
    let setup = HostSetup::new().json_log().config(limits).plugin_from("counter", "counter-1");
    let version =
        "name: version\nsteps: [{ name: tell, operation: counter/version }]\noutput: $steps.tell.result\n";
    setup.playbook("version", version).runtime("shop", json!({})).start().await
}

/// The version that a new execution runs on.
async fn runs_on(host: &TestHost) -> Value {
    let id = host.begin("version", json!({})).await;
    host.until(&id, completed()).await["version"].clone()
}

/// What a runtime's subscriber is told of the files that were refused: waits for so many of this file.
async fn refused(socket: &mut Socket, file: &str, count: usize) -> Value {
    let of_file = |frame: &Value| {
        let event = frame["event"].clone();
        (event["type"] == "plugin_refused" && event["source"] == file).then_some(event)
    };
    let found = until(async || {
        let told: Vec<_> = socket.frames().iter().filter_map(of_file).collect();
        assert!(told.len() <= count, "each bad file is told of once: {:#?}", socket.frames());
        told.into_iter().nth(count - 1)
    });
    let found = found.await;
    found.unwrap_or_else(|| panic!("no refusal {count} of {file}: {:#?}", socket.frames()))
}

/// The line of the log that tells the same.
async fn logged(host: &TestHost, file: &str, code: &str) -> Value {
    let line = until(async || {
        let lines = host.log();
        let mut told = lines.iter().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        told.rfind(|line| line["code"] == code && line.to_string().contains(file))
    });
    let line = line.await;
    line.unwrap_or_else(|| panic!("{code} of {file} should be in the log:\n{}", host.log().join("\n")))
}

/// Says what is wrong, with which file, and what to do.
fn is_helpful(told: &Value, message: &str, file: &str) {
    let text = |key: &str| told[key].as_str().unwrap_or_default();
    assert!(text(message).contains(file) && text(message).len() > file.len() + 10, "{told}");
    assert!(!text("hint").is_empty(), "it says what to do: {told}");
}

#[tokio::test]
async fn a_plugin_file_that_turns_bad_changes_nothing() {
    let host = strict(AMPLE).await;
    let mut socket = host.socket().await;
    socket.follow_runtime("shop").await;
    let whole = fs::read(guest("counter-2")).unwrap();
    let bad: [(Vec<u8>, &str); 7] = [
        (whole[..whole.len() / 2].to_vec(), "NOT_A_COMPONENT"),
        (Vec::new(), "NOT_A_COMPONENT"),
        (fs::read(guest("core-module")).unwrap(), "NOT_A_COMPONENT"),
        (fs::read(guest("other-exports")).unwrap(), "WRONG_EXPORTS"),
        (fs::read(guest("odd-describe-traps")).unwrap(), "DESCRIBE_FAILED"),
        (fs::read(guest("odd-broken-schema")).unwrap(), "BAD_SCHEMA"),
        (vec![0; LARGEST + 1], "TOO_LARGE"),
    ];
    for (turn, (bytes, code)) in bad.iter().enumerate() {
        host.plugins().put_bytes("counter", bytes);
        let told = refused(&mut socket, "counter.wasm", turn + 1).await;
        assert_eq!(told["code"], *code, "{told}");
        is_helpful(&told, "message", "counter.wasm");
        let folder = host.folder().to_str().unwrap();
        assert!(!told.to_string().contains(folder), "where the folder lies is nobody's business: {told}");
        let line = logged(&host, "counter.wasm", code).await;
        is_helpful(&line, "error", "counter.wasm");
        assert_eq!(runs_on(&host).await, "1.0.0", "after {code}");
        assert_eq!(host.current("counter").await.unwrap().version, "1.0.0");
    }
    // The file is looked at again when it is mended.
    host.plugins().put_bytes("counter", &whole);
    host.until_current("counter", "2.0.0").await;
    assert_eq!(runs_on(&host).await, "2.0.0");
}

/// A file that is refused, why, and a word of what is told.
type Odd = (&'static str, &'static str, &'static str);

/// Puts these files there together: each is refused for its own reason, and the plugin that is good is used as
/// ever while they are looked at.
async fn are_refused(host: &TestHost, odd: &[Odd]) {
    let mut socket = host.socket().await;
    socket.follow_runtime("shop").await;
    for (name, ..) in odd {
        host.plugins().put(name, name);
    }
    for (name, code, word) in odd {
        let file = format!("{name}.wasm");
        let told = refused(&mut socket, &file, 1).await;
        assert_eq!(told["code"], *code, "{told}");
        is_helpful(&told, "message", &file);
        assert!(told.to_string().contains(word), "{word}: {told}");
        is_helpful(&logged(host, &file, code).await, "error", &file);
        assert_eq!(runs_on(host).await, "1.0.0");
    }
    let list = host.get("/api/v1/plugins").await.is(200);
    assert_eq!(list["items"].as_array().unwrap().len(), 1, "{list}");
}

#[tokio::test]
async fn files_that_are_no_plugins_are_refused_each_for_its_own_reason() {
    let odd = [
        ("odd-describe-huge", "DESCRIBE_FAILED", "output"),
        ("odd-bad-names", "BAD_NAME", "../kitchen"),
        ("odd-bad-version", "BAD_NAME", "latest"),
        ("odd-twice-the-same", "BAD_NAME", "echo"),
        ("odd-remote-schema", "BAD_SCHEMA", "echo"),
        ("odd-broken-example", "BAD_SCHEMA", "wrong"),
        ("odd-no-operations", "WRONG_EXPORTS", "no operation"),
        ("no-exports", "WRONG_EXPORTS", "no operation"),
        ("unknown-import", "WRONG_IMPORTS", "acme:vault/door"),
    ];
    are_refused(&strict(AMPLE).await, &odd).await;
}

#[tokio::test]
async fn plugins_that_never_say_what_they_offer_are_refused_by_their_time() {
    let odd = [
        ("odd-describe-loops", "DESCRIBE_FAILED", "sandbox.describeTime"),
        ("odd-describe-sleeps", "DESCRIBE_FAILED", "(1s)"),
    ];
    // The plugin that is good says it in far less.
    are_refused(&strict("1s").await, &odd).await;
}

#[tokio::test]
async fn a_name_belongs_to_the_file_that_has_it() {
    let host = strict(AMPLE).await;
    let mut socket = host.socket().await;
    socket.follow_runtime("shop").await;
    host.plugins().put("rival", "counter-2");
    let told = refused(&mut socket, "rival.wasm", 1).await;
    assert_eq!(told["code"], "NAME_CLASH", "{told}");
    is_helpful(&told, "message", "rival.wasm");
    assert!(told["message"].as_str().unwrap().contains("counter.wasm"), "it names the other: {told}");
    assert_eq!(runs_on(&host).await, "1.0.0");

    // Once the other is gone, the name is free.
    host.plugins().remove("counter");
    host.until_current("counter", "2.0.0").await;
    assert_eq!(runs_on(&host).await, "2.0.0");
}

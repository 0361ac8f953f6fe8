//! `orgata mcp`: the same over standard input and output.

use std::process::Stdio;

use orgata_tests::matchers::completed;
use orgata_tests::{ExecutionId, HostSetup, TestHost, binary, patience};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

/// A client that starts the program, as desktop assistants do.
struct Started {
    child: Child,
    input: Option<ChildStdin>,
    output: Lines<BufReader<ChildStdout>>,
    next: u64,
}

impl Started {
    fn new(folder: &std::path::Path, arguments: &[&str]) -> Self {
        let mut command = Command::from(binary::command(folder, arguments));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().expect("the binary can be started");
        let input = child.stdin.take();
        let output = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, input, output, next: 0 }
    }

    async fn send(&mut self, message: Value) {
        let line = format!("{message}\n");
        self.input.as_mut().unwrap().write_all(line.as_bytes()).await.unwrap();
    }

    /// The next message: everything on standard output is one.
    async fn receive(&mut self) -> Value {
        let line = patience::within(self.output.next_line()).await.expect("something comes").unwrap();
        let line = line.expect("the program is still there");
        serde_json::from_str(&line).unwrap_or_else(|_| panic!("not a message: {line}"))
    }

    /// Asks, and reads until that is answered.
    async fn ask(&mut self, method: &str, params: Value) -> Value {
        self.next += 1;
        let id = self.next;
        self.send(json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params })).await;
        loop {
            let message = self.receive().await;
            if message["id"] == id {
                assert!(message["error"].is_null(), "{method}: {message}");
                return message["result"].clone();
            }
        }
    }

    async fn initialize(&mut self) -> Value {
        let opening = json!({
            "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": { "name": "desk", "version": "1" },
        });
        let answer = self.ask("initialize", opening).await;
        self.send(json!({ "jsonrpc": "2.0", "method": "notifications/initialized" })).await;
        answer
    }

    async fn call(&mut self, tool: &str, arguments: Value) -> Value {
        let result = self.ask("tools/call", json!({ "name": tool, "arguments": arguments })).await;
        assert_ne!(result["isError"], true, "{tool}: {result:#}");
        result["structuredContent"].clone()
    }

    /// Leaves, as clients do: by closing standard input. What it said about itself.
    async fn leave(mut self) -> String {
        drop(self.input.take());
        let ended = patience::within(self.child.wait_with_output()).await.expect("it ends").unwrap();
        assert!(ended.status.success(), "{ended:?}");
        String::from_utf8_lossy(&ended.stderr).into_owned()
    }
}

async fn make_a_sandwich(client: &mut Started) -> String {
    let start = json!({
        "runtimeId": "kitchen-v1", "playbookName": "pbj-sandwich", "input": { "sandwichType": "classic" }, "wait": "30s",
    });
    let handle = client.call("execute_playbook", start).await;
    assert_eq!(handle["status"], "waiting", "{handle}");
    let id = handle["executionId"].as_str().unwrap().to_owned();
    let asked = client.call("get_pending_interventions", json!({ "executionId": id })).await;
    let answer = json!({
        "executionId": id, "interventionId": asked["items"][0]["id"], "response": { "jelly_flavor": "grape" },
    });
    client.call("intervene_execution", answer).await;
    id
}

#[tokio::test]
async fn a_program_that_is_started_talks_to_the_running_host() {
    let host = TestHost::kitchen().await;
    for arguments in [vec!["--server", host.address(), "mcp"], vec!["--data", "data", "mcp"]] {
        let mut client = Started::new(host.folder(), &arguments);
        assert_eq!(client.initialize().await["serverInfo"]["name"], "orgata");
        let id = make_a_sandwich(&mut client).await;
        host.until(&ExecutionId(id), completed()).await;
        let said = client.leave().await;
        assert!(said.contains(host.address()), "it says which host: {said}");
    }
}

#[tokio::test]
async fn a_program_that_finds_no_host_has_one_of_its_own_and_leaves_everything_in_order() {
    let place = HostSetup::kitchen().start().await.stop().await;
    let mut client = Started::new(place.folder(), &["--data", "data", "mcp"]);
    client.initialize().await;
    let id = make_a_sandwich(&mut client).await;
    let said = client.leave().await;
    assert!(said.contains("a host of its own"), "{said}");
    let host = place.start().await;
    host.until(&ExecutionId(id), completed()).await;
}

#[tokio::test]
async fn notices_come_over_standard_output_too() {
    let host = TestHost::kitchen().await;
    let mut client = Started::new(host.folder(), &["--server", host.address(), "mcp"]);
    client.initialize().await;
    client.ask("resources/subscribe", json!({ "uri": "orgata://runtime/kitchen-v1" })).await;
    let yaml = "name: hello\nsteps:\n  - { name: a, wait: 1s }\n";
    let path = "/api/v1/runtimes/kitchen-v1/playbooks/hello";
    host.put(path, json!({ "source": yaml })).await.accepted();
    loop {
        let message = client.receive().await;
        if message["method"] == "notifications/resources/updated" {
            assert_eq!(message["params"]["uri"], "orgata://runtime/kitchen-v1");
            break;
        }
    }
    client.leave().await;
}

#[tokio::test]
async fn a_client_of_the_revision_without_sessions_is_carried_as_well() {
    let host = TestHost::kitchen().await;
    let mut client = Started::new(host.folder(), &["--server", host.address(), "mcp"]);
    let meta = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": { "name": "desk", "version": "1" },
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    let found = client.ask("server/discover", json!({ "_meta": meta })).await;
    assert!(found["supportedVersions"].to_string().contains("2026-07-28"), "{found}");
    let call = json!({ "name": "list_runtimes", "arguments": {}, "_meta": meta });
    let result = client.ask("tools/call", call).await;
    assert_eq!(result["structuredContent"]["items"][0]["runtimeId"], "kitchen-v1", "{result}");
    let read = json!({ "uri": "orgata://playbook/kitchen-v1/pbj-sandwich", "_meta": meta });
    assert!(client.ask("resources/read", read).await.to_string().contains("pbj-sandwich"));
    client.leave().await;
}

#[tokio::test]
async fn what_is_no_message_is_answered_and_does_no_harm() {
    let host = TestHost::kitchen().await;
    let mut client = Started::new(host.folder(), &["--server", host.address(), "mcp"]);
    client.input.as_mut().unwrap().write_all(b"hello?\n\n[1, 2]\n").await.unwrap();
    assert_eq!(client.receive().await["error"]["code"], -32700);
    assert_eq!(client.receive().await["error"]["code"], -32700);
    client.initialize().await;
    client.leave().await;
}

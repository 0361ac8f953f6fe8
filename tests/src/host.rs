//! The test host: the real binary, on a folder of its own, under the test's control.
//!
//! Dropping it kills the process and removes the folder.

use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;

use reqwest::{Client, Method};
use serde_json::Value;
use tempfile::TempDir;

use crate::binary;
use crate::disk::FaultyDisk;
use crate::guests::PluginFolder;
use crate::http::{self, Reply};
use crate::process::Process;
use crate::setup::HostSetup;

/// A host that is ready.
#[derive(Debug)]
pub struct TestHost {
    // Dropped in this order: the folder goes when nobody writes into it any more.
    process: Process,
    address: String,
    client: Client,
    place: StoppedHost,
}

/// What is left of a host that does not run: its folder.
#[derive(Debug)]
pub struct StoppedHost {
    folder: TempDir,
    plugins: PluginFolder,
    runtime: String,
    json_log: bool,
    log: Option<&'static str>,
    disk: Option<Arc<FaultyDisk>>,
    /// What its requests and commands bring.
    pub(crate) key: Option<String>,
}

impl TestHost {
    /// The kitchen of the first example, ready.
    pub async fn kitchen() -> Self {
        HostSetup::kitchen().start().await
    }

    pub(crate) async fn start_in(
        folder: TempDir,
        plugins: PluginFolder,
        runtime: String,
        json_log: bool,
        log: Option<&'static str>,
        disk: Option<Arc<FaultyDisk>>,
        key: Option<String>,
    ) -> Self {
        StoppedHost { folder, plugins, runtime, json_log, log, disk, key }.start().await
    }

    /// Where it serves: `http://127.0.0.1:PORT`, or `https` where it has a certificate. Another port after every start.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The runtime of stories that name none.
    pub fn runtime(&self) -> &str {
        &self.place.runtime
    }

    /// The folder that it loads plugins from, and watches.
    pub fn plugins(&self) -> &PluginFolder {
        &self.place.plugins
    }

    /// The key that its requests bring, where it asks for one.
    pub fn key(&self) -> Option<&str> {
        self.place.key.as_deref()
    }

    /// The folder that it was started in: configuration, `data/`, `plugins/`, `playbooks/`.
    pub fn folder(&self) -> &Path {
        self.place.folder.path()
    }

    /// The lines of its log so far.
    pub fn log(&self) -> Vec<String> {
        self.process.log()
    }

    /// Its process id.
    pub fn process_id(&self) -> u32 {
        self.process.id()
    }

    /// A client for requests that there is no word for here; see [`Reply::read`].
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// A client that brings this key or token.
    pub fn client_of(&self, bearer: &str) -> Client {
        http::client(Some(bearer))
    }

    /// A client that proves nothing, whatever the host's other requests bring.
    pub fn stranger(&self) -> Client {
        http::client(None)
    }

    /// `GET` of a path such as `/api/v1/runtimes`.
    pub async fn get(&self, path: &str) -> Reply {
        http::send(&self.client, Method::GET, &self.url(path), None).await
    }

    /// `POST` of JSON.
    pub async fn post(&self, path: &str, body: Value) -> Reply {
        http::send(&self.client, Method::POST, &self.url(path), Some(&body)).await
    }

    /// `PUT` of JSON.
    pub async fn put(&self, path: &str, body: Value) -> Reply {
        http::send(&self.client, Method::PUT, &self.url(path), Some(&body)).await
    }

    /// `DELETE`.
    pub async fn delete(&self, path: &str) -> Reply {
        http::send(&self.client, Method::DELETE, &self.url(path), None).await
    }

    /// A path at this host.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.address)
    }

    /// Kills it (SIGKILL) as a power cut would.
    pub fn kill(mut self) -> StoppedHost {
        self.process.kill();
        self.place
    }

    /// Kills it and starts it again on the same folder.
    pub async fn kill_and_restart(self) -> Self {
        self.kill().start().await
    }

    /// Sends it a signal (`TERM`, `INT`, …), and does not wait for what comes of it.
    pub fn signal(&self, name: &str) {
        self.process.signal(name);
    }

    /// Ends it as an operator would (SIGTERM). It must end well, and have said nothing on standard output
    /// but that it was ready.
    pub async fn stop(mut self) -> StoppedHost {
        let (status, said) = self.process.stop().await;
        assert!(status.success(), "asked to stop, the host ended with {status}:\n{}", self.process.log_end());
        assert_eq!(said.len(), 1, "one line on standard output, that the host is ready: {said:#?}");
        self.place
    }
}

impl StoppedHost {
    /// Starts it again, and waits until it is ready.
    pub async fn start(self) -> TestHost {
        let mut arguments =
            vec!["serve", "--listen", "127.0.0.1:0", "--data", "data", "--config", "orgata.yaml"];
        if self.json_log {
            arguments.extend(["--log-format", "json"]);
        }
        if let Some(filter) = self.log {
            arguments.extend(["--log", filter]);
        }
        let mut process = Process::start(self.folder.path(), &arguments, &self.variables());
        let address = process.ready().await;
        TestHost { process, address, client: http::client(self.key.as_deref()), place: self }
    }

    fn variables(&self) -> Vec<(&'static str, PathBuf)> {
        self.disk.as_ref().map(|disk| disk.variables(self.folder.path())).unwrap_or_default()
    }

    /// Starts it where it cannot run: how it ended, and what it said on standard error.
    pub fn start_in_vain(&self) -> (ExitStatus, String) {
        let arguments = ["serve", "--listen", "127.0.0.1:0", "--data", "data", "--config", "orgata.yaml"];
        let ended = binary::command(self.folder.path(), &arguments)
            .envs(self.variables())
            .stdin(Stdio::null())
            .output()
            .expect("the binary can be started");
        (ended.status, String::from_utf8_lossy(&ended.stderr).into_owned())
    }

    /// The folder that it was started in.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The folder that the store keeps its files in.
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// The plugin folder, to change while nobody watches.
    pub fn plugins(&self) -> &PluginFolder {
        &self.plugins
    }
}

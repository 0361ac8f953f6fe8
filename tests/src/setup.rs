//! What a host has when it starts: plugins, playbooks, runtimes, settings.
//!
//! The folder of a test host holds `orgata.yaml` (written as JSON, which is YAML), `plugins/`, `playbooks/`
//! and `data/`.

use std::path::Path;
use std::sync::Arc;
use std::{env, fs};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::binary;
use crate::cli::orgata;
use crate::disk::FaultyDisk;
use crate::guests::PluginFolder;
use crate::host::TestHost;

/// A host in the making.
#[derive(Debug)]
#[must_use = "nothing runs before `start`"]
pub struct HostSetup {
    folder: TempDir,
    plugins: PluginFolder,
    config: Value,
    runtime: Option<String>,
    json_log: bool,
    log: Option<&'static str>,
    disk: Option<Arc<FaultyDisk>>,
    asks_for_keys: bool,
}

impl Default for HostSetup {
    fn default() -> Self {
        Self::new()
    }
}

impl HostSetup {
    /// A host without plugins, playbooks and runtimes, in a folder of its own.
    pub fn new() -> Self {
        Self::within(&env::temp_dir())
    }

    /// The same in memory, where the system has a folder for that: what is measured then is not the disk, which
    /// others use too.
    pub fn in_memory() -> Self {
        let shared = Path::new("/dev/shm");
        if shared.is_dir() { Self::within(shared) } else { Self::new() }
    }

    fn within(place: &Path) -> Self {
        let folder = TempDir::with_prefix_in("orgata-", place).expect("there is room for temporary files");
        let plugins = PluginFolder::at(folder.path().join("plugins"));
        fs::create_dir(folder.path().join("playbooks")).expect("the test owns the folder");
        let config = json!({ "plugins": ["plugins"], "runtimes": [] });
        Self {
            folder,
            plugins,
            config,
            runtime: None,
            json_log: false,
            log: None,
            disk: None,
            asks_for_keys: false,
        }
    }

    /// The host of the first example: runtime `kitchen-v1` with plugin `kitchen` and `pbj-sandwich`.
    pub fn kitchen() -> Self {
        Self::new().plugin("kitchen").example("pbj-sandwich").runtime("kitchen-v1", json!({}))
    }

    /// Adds a built guest to the plugin folder.
    pub fn plugin(self, guest: &str) -> Self {
        self.plugins.put(guest, guest);
        self
    }

    /// Adds a built guest to the plugin folder, as `FILE.wasm`.
    pub fn plugin_from(self, file: &str, guest: &str) -> Self {
        self.plugins.put(file, guest);
        self
    }

    /// Adds a playbook.
    pub fn playbook(self, name: &str, yaml: &str) -> Self {
        let path = self.folder.path().join("playbooks").join(format!("{name}.yaml"));
        fs::write(path, yaml).expect("the test owns the folder");
        self
    }

    /// Adds one of the repository's example playbooks.
    pub fn example(self, name: &str) -> Self {
        let path = binary::playbooks().join(format!("{name}.yaml"));
        let yaml = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        self.playbook(name, &yaml)
    }

    /// Adds any other file, beside `orgata.yaml`.
    pub fn file(self, name: &str, text: &str) -> Self {
        fs::write(self.folder.path().join(name), text).expect("the test owns the folder");
        self
    }

    /// The folder that it will be started in.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Adds a runtime with all playbooks. `more` is merged into its section: environment, grants, roles, …
    /// The first one is where [`TestHost::begin`] starts executions.
    pub fn runtime(mut self, name: &str, more: Value) -> Self {
        let mut section = json!({ "id": name, "environment": "development", "playbooks": ["playbooks"] });
        merge(&mut section, more);
        self.config["runtimes"].as_array_mut().expect("runtimes are a list").push(section);
        self.runtime.get_or_insert_with(|| name.to_owned());
        self
    }

    /// Merges into the configuration, object by object.
    pub fn config(mut self, more: Value) -> Self {
        merge(&mut self.config, more);
        self
    }

    /// Has callers prove who they are: what the test host's own requests and commands bring is a key that may do everything.
    /// Frames and streams bring none.
    pub fn asking_for_keys(mut self) -> Self {
        self.asks_for_keys = true;
        self.config(json!({ "authentication": { "apiKeys": true } }))
    }

    /// Logs as for programs: a JSON object a line.
    pub fn json_log(mut self) -> Self {
        self.json_log = true;
        self
    }

    /// Logs this much.
    pub fn log(mut self, filter: &'static str) -> Self {
        self.log = Some(filter);
        self
    }

    /// Keeps its data on this disk.
    pub fn on(mut self, disk: &Arc<FaultyDisk>) -> Self {
        self.disk = Some(Arc::clone(disk));
        self
    }

    /// Starts it and waits until it is ready.
    pub async fn start(self) -> TestHost {
        let config = serde_json::to_string_pretty(&self.config).expect("JSON can be written");
        fs::write(self.folder.path().join("orgata.yaml"), config).expect("the test owns the folder");
        let runtime = self.runtime.unwrap_or_else(|| "default".to_owned());
        let key = match self.asks_for_keys {
            true => Some(first_key(self.folder.path()).await),
            false => None,
        };
        let (json_log, log, disk) = (self.json_log, self.log, self.disk);
        TestHost::start_in(self.folder, self.plugins, runtime, json_log, log, disk, key).await
    }
}

/// Made where the data is, before the host is there.
async fn first_key(folder: &Path) -> String {
    let make = ["--config", "orgata.yaml", "--data", "data", "key", "create", "tester"];
    let all: Vec<&str> = make.into_iter().chain(["--kind", "user", "--everything"]).collect();
    orgata(folder, &all, "").await.succeeded().trim().to_owned()
}

/// Objects are merged key by key; anything else is replaced.
fn merge(into: &mut Value, more: Value) {
    match (into, more) {
        (Value::Object(into), Value::Object(more)) => {
            for (key, value) in more {
                merge(into.entry(key).or_insert(Value::Null), value);
            }
        }
        (into, more) => *into = more,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_merged_section_by_section() {
        let mut config = json!({"a": {"x": 1, "y": 2}, "b": [1]});
        merge(&mut config, json!({"a": {"y": 3, "z": 4}, "b": [2]}));
        assert_eq!(config, json!({"a": {"x": 1, "y": 3, "z": 4}, "b": [2]}));
    }
}

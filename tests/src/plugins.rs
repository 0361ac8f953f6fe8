//! Plugins as an operator sees them: uploaded, listed, rolled back, retired.

use std::fs;

use reqwest::header::CONTENT_TYPE;
use serde_json::{Value, json};

use crate::guests;
use crate::host::TestHost;
use crate::http::Reply;
use crate::patience;

/// One version of a plugin, as `GET /plugins` lists it.
#[derive(Debug, Clone, PartialEq)]
pub struct PluginVersion {
    /// What it calls itself.
    pub version: String,
    /// SHA-256 of its file.
    pub digest: String,
    /// `current`, `earlier` or `retired`.
    pub state: String,
    /// All that is said of it.
    pub body: Value,
}

impl TestHost {
    /// Every version of this plugin that the host knows.
    pub async fn versions(&self, plugin: &str) -> Vec<PluginVersion> {
        let list = self.get("/api/v1/plugins").await.is(200);
        let items = list["items"].as_array().unwrap_or_else(|| panic!("a list has items: {list}"));
        let own = items.iter().filter(|item| item["name"] == plugin);
        own.map(PluginVersion::read).collect()
    }

    /// The version that new executions start on.
    pub async fn current(&self, plugin: &str) -> Option<PluginVersion> {
        let mut versions = self.versions(plugin).await;
        versions.retain(|version| version.state == "current");
        assert!(versions.len() <= 1, "one version of {plugin} is current: {versions:#?}");
        versions.pop()
    }

    /// Waits until new executions start on this version.
    pub async fn until_current(&self, plugin: &str, version: &str) -> PluginVersion {
        let mut seen = None;
        let current = patience::until(async || {
            seen = self.current(plugin).await;
            seen.clone().filter(|current| current.version == version)
        });
        let current = current.await;
        current.unwrap_or_else(|| panic!("{plugin} {version} should be current, and what is is {seen:#?}"))
    }

    /// Waits until nothing new starts on any version of this plugin.
    pub async fn until_retired(&self, plugin: &str) {
        let gone = patience::until(async || self.current(plugin).await.is_none().then_some(()));
        assert!(gone.await.is_some(), "{plugin} should be retired");
    }

    /// Uploads a built guest.
    pub async fn upload(&self, built_guest: &str) -> Reply {
        let bytes = fs::read(guests::guest(built_guest)).expect("a built guest can be read");
        self.upload_bytes(bytes).await
    }

    /// Uploads any bytes as a component.
    pub async fn upload_bytes(&self, bytes: Vec<u8>) -> Reply {
        let url = self.url("/api/v1/plugins");
        let request = self.client().post(url).header(CONTENT_TYPE, "application/wasm").body(bytes);
        Reply::read("POST /plugins", request).await
    }

    /// Goes back to this version of a plugin, or to the one before the present.
    pub async fn rollback(&self, plugin: &str, digest: Option<&str>) -> Reply {
        let body = digest.map_or_else(|| json!({}), |digest| json!({ "digest": digest }));
        self.post(&format!("/api/v1/plugins/{plugin}/rollback"), body).await
    }
}

impl PluginVersion {
    fn read(item: &Value) -> Self {
        let text = |key: &str| match item[key].as_str() {
            Some(text) => text.to_owned(),
            None => panic!("a plugin has {key}: {item}"),
        };
        Self { version: text("version"), digest: text("digest"), state: text("state"), body: item.clone() }
    }
}

//! A plugin `words` that repeats or fails, without a sandbox.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use orgata_engine::ports::{
    Call, CallReport, Catalog, LoadError, Operations, Outcome, PluginChange, PluginEntry, PluginState,
    Plugins, Session, SessionContext, Source,
};
use orgata_model::operation::{EffectClass, Example, Operation, Plugin};
use orgata_model::{Digest, Failure, PluginName};
use serde_json::json;
use tokio::sync::broadcast;

pub struct Words {
    plugin: Arc<Plugin>,
    catalog: Arc<Catalog>,
    changes: broadcast::Sender<PluginChange>,
    /// What loading a plugin comes to.
    pub refusal: Mutex<Option<LoadError>>,
}

fn operation(name: &str, digest: Digest) -> Arc<Operation> {
    Arc::new(Operation {
        name: format!("words/{name}").parse().unwrap(),
        title: None,
        description: format!("Does {name}."),
        input_schema: Arc::new(json!({ "type": "object" })),
        output_schema: Arc::new(json!({})),
        idempotent: true,
        tags: vec!["text".into()],
        examples: vec![Example { name: "one".into(), input: json!({ "a": 1 }), output: json!({ "a": 1 }) }],
        effect: EffectClass::Pure,
        digest,
    })
}

impl Default for Words {
    fn default() -> Self {
        let digest = Digest::of(b"words");
        let plugin = Arc::new(Plugin {
            digest,
            name: "words".parse().unwrap(),
            version: "0.3.0".into(),
            description: "Words.".into(),
            effect: EffectClass::Pure,
            imports: vec!["orgata:plugin/log@1.0.0".into()],
            size: 12_345,
            compile_ms: Some(7),
            signers: Vec::new(),
            operations: vec![operation("echo", digest), operation("fail", digest)],
        });
        let catalog = Catalog { plugins: [(plugin.name.clone(), Arc::clone(&plugin))].into() };
        Self {
            plugin,
            catalog: Arc::new(catalog),
            changes: broadcast::Sender::new(16),
            refusal: Mutex::default(),
        }
    }
}

impl Words {
    pub fn announce(&self) {
        let _ = self.changes.send(PluginChange::Loaded(Arc::clone(&self.plugin)));
    }
}

#[async_trait::async_trait]
impl Operations for Words {
    fn catalog(&self) -> Arc<Catalog> {
        Arc::clone(&self.catalog)
    }

    async fn plugin(&self, _: Digest) -> Result<Arc<Plugin>, Failure> {
        Ok(Arc::clone(&self.plugin))
    }

    fn open(&self, _: SessionContext) -> Box<dyn Session> {
        Box::new(Speaking)
    }
}

struct Speaking;

#[async_trait::async_trait]
impl Session for Speaking {
    async fn call(&self, call: Call) -> CallReport {
        let outcome =
            match &*call.operation.operation {
                "fail" => Err(Failure::permanent("no-words", "there is nothing to say")
                    .with_details(json!({ "words": 0 }))),
                _ => Ok(Outcome::Done(call.input)),
            };
        CallReport { outcome, log: Vec::new(), log_dropped: 0, took: Duration::from_millis(1), memory: 0 }
    }
}

#[async_trait::async_trait]
impl Plugins for Words {
    fn list(&self) -> Vec<PluginEntry> {
        vec![PluginEntry {
            plugin: Arc::clone(&self.plugin),
            state: PluginState::Current,
            loaded_at: Timestamp::UNIX_EPOCH,
            source: Source::File("/somewhere/plugins/words.wasm".into()),
        }]
    }

    async fn load(&self, _: Vec<u8>, _: Source) -> Result<Arc<Plugin>, LoadError> {
        let refusal = self.refusal.lock().unwrap().clone();
        refusal.map_or_else(|| Ok(Arc::clone(&self.plugin)), Err)
    }

    async fn inspect(&self, bytes: Vec<u8>, source: Source) -> Result<Arc<Plugin>, LoadError> {
        self.load(bytes, source).await
    }

    async fn discard(&self, _: Digest) {}

    async fn rollback(&self, _: &PluginName, _: Option<Digest>) -> Result<Arc<Plugin>, LoadError> {
        Ok(Arc::clone(&self.plugin))
    }

    async fn retire(&self, _: Digest) -> Result<(), LoadError> {
        Ok(())
    }

    async fn keep(&self, _: &BTreeSet<Digest>) {}

    fn changes(&self) -> broadcast::Receiver<PluginChange> {
        self.changes.subscribe()
    }
}

//! What every new execution needs, whoever starts it: a caller, a step of another execution, a schedule.

use std::collections::BTreeMap;
use std::sync::Arc;

use orgata_model::execution::{Actor, Event, Fact, Fork, Parent, PlaybookRef, State, Summary};
use orgata_model::operation::Plugin;
use orgata_model::playbook::{KEY_LABEL, Playbook};
use orgata_model::schema::Violation;
use orgata_model::{ExecutionId, PlaybookName, PluginName, RuntimeId};
use serde_json::Value;

use crate::error::EngineError;
use crate::host::{Host, RuntimeEntry};
use crate::keys::{self, check_room};
use crate::ports::Append;

/// A new execution that a step of another runs, or that nobody waits for.
#[derive(Clone)]
pub(crate) struct Beginning {
    pub(crate) runtime: RuntimeId,
    pub(crate) playbook: PlaybookName,
    pub(crate) input: Arc<Value>,
    pub(crate) actor: Actor,
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) parent: Option<Parent>,
}

/// Everything that is pinned at the start.
pub(crate) struct Pinned {
    pub(crate) entry: Arc<RuntimeEntry>,
    pub(crate) playbook: Arc<Playbook>,
    pub(crate) plugins: Vec<Arc<Plugin>>,
}

/// Whether the playbook could be started with this input now.
pub(crate) fn check(
    host: &Host,
    runtime: &RuntimeId,
    playbook: &PlaybookName,
    input: &Value,
) -> Result<Pinned, EngineError> {
    let entry = host.runtime(runtime)?;
    let playbook = entry.playbook(playbook)?;
    check_input(host, &playbook, input)?;
    let plugins = pin(host, &entry, &playbook)?;
    Ok(Pinned { entry, playbook, plugins })
}

/// Makes an execution durable. Somebody must wake it.
/// With a key that was used in the runtime before, it is a [`StoreError::Conflict`](crate::ports::StoreError::Conflict).
pub(crate) async fn make(
    host: &Host,
    id: ExecutionId,
    beginning: Beginning,
    key: Option<String>,
) -> Result<(), EngineError> {
    let pinned = check(host, &beginning.runtime, &beginning.playbook, &beginning.input)?;
    check_room(host, &pinned.playbook, &beginning.runtime, &beginning.input).await?;
    let first = first(host, &pinned, beginning, None)?;
    let state = State::begin(id, Arc::clone(&pinned.playbook), &first)?;
    keep(host, state.summary(), vec![Arc::new(first)], key).await
}

/// Keeps a new execution with its first events, and counts it. Somebody must wake it.
pub(crate) async fn keep(
    host: &Host,
    summary: Summary,
    events: Vec<Arc<Event>>,
    idempotency_key: Option<String>,
) -> Result<(), EngineError> {
    host.store.append(Append { seen: 0, events, summary, idempotency_key, awaited: None }).await?;
    metrics::counter!("orgata_executions_started_total").increment(1);
    Ok(())
}

/// The first event.
pub(crate) fn first(
    host: &Host,
    pinned: &Pinned,
    mut beginning: Beginning,
    fork: Option<Fork>,
) -> Result<Event, EngineError> {
    let now = host.clock.now();
    let playbook = &pinned.playbook;
    // The host's own: a child or a fork has not the key of where it comes from.
    beginning.labels.remove(KEY_LABEL);
    if let Some(concurrency) = &playbook.concurrency {
        let key = keys::key_of(concurrency, playbook, &beginning.input)?;
        beginning.labels.insert(KEY_LABEL.to_owned(), key);
    }
    Ok(Event {
        seq: 1,
        at: now,
        actor: beginning.actor,
        fact: Fact::ExecutionStarted {
            runtime: beginning.runtime,
            environment: pinned.entry.runtime.environment,
            playbook: PlaybookRef {
                name: playbook.name.clone(),
                version: playbook.version.clone(),
                digest: playbook.digest,
            },
            input: beginning.input,
            plugins: pinned.plugins.iter().map(|plugin| (plugin.name.clone(), plugin.digest)).collect(),
            deadline: playbook.timeout.and_then(|timeout| now.checked_add(timeout).ok()),
            labels: beginning.labels,
            parent: beginning.parent,
            fork,
        },
    })
}

/// Whether an input is one that the playbook takes.
pub(crate) fn check_input(host: &Host, playbook: &Playbook, input: &Value) -> Result<(), EngineError> {
    let most = host.settings.input_bytes;
    let size = json_size(input);
    if size > most {
        let message = format!("it is {size} bytes long, {most} at most");
        let violations = vec![Violation { pointer: String::new(), message }];
        return Err(EngineError::Mismatch { what: "input", violations });
    }
    match &playbook.input {
        Some(schema) => {
            schema.check(input).map_err(|violations| EngineError::Mismatch { what: "input", violations })
        }
        None => Ok(()),
    }
}

/// The version of each plugin that a new execution keeps; everything that is missing is told at once.
pub(crate) fn pin(
    host: &Host,
    entry: &RuntimeEntry,
    playbook: &Playbook,
) -> Result<Vec<Arc<Plugin>>, EngineError> {
    let (catalog, current) = (host.catalog_of(entry), host.operations.catalog());
    let withheld = |plugin: &PluginName| entry.grants.why_not(current.plugins.get(plugin)?);
    let mut pins: Vec<Arc<Plugin>> = Vec::new();
    let mut missing = Vec::new();
    for name in playbook.operations() {
        match catalog.plugins.get(&name.plugin) {
            _ if !entry.runtime.offers(&name.plugin) => {
                missing.push(format!("{name} (add `{}` to the runtime's plugins)", name.plugin));
            }
            Some(plugin) if host.settings.trust.refuses(entry.runtime.environment, plugin).is_some() => {
                let why = host.settings.trust.refuses(entry.runtime.environment, plugin).unwrap_or_default();
                missing.push(format!("{name} ({why})"));
            }
            Some(plugin) if plugin.operation(&name.operation).is_some() => {
                if !pins.iter().any(|pinned| pinned.digest == plugin.digest) {
                    pins.push(Arc::clone(plugin));
                }
            }
            Some(_) => {
                let why = withheld(&name.plugin).map_or_else(String::new, |why| format!("; {why}"));
                missing.push(format!("{name} (plugin `{}` has no such operation{why})", name.plugin));
            }
            None => match withheld(&name.plugin) {
                Some(why) => missing.push(format!("{name} ({why})")),
                None => missing.push(format!("{name} (load plugin `{}`)", name.plugin)),
            },
        }
    }
    if missing.is_empty() {
        return Ok(pins);
    }
    Err(EngineError::MissingOperations { runtime: entry.runtime.id.to_string(), missing })
}

/// How many bytes a value has as JSON. Nothing is written: most inputs are small, and some are not.
pub(crate) fn json_size(value: &impl serde::Serialize) -> usize {
    struct Count(usize);
    impl std::io::Write for Count {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0 += bytes.len();
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let mut count = Count(0);
    // Neither counting nor a value can fail.
    let _ = serde_json::to_writer(&mut count, value);
    count.0
}

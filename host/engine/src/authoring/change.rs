//! What another version of a plugin changes, for whoever is about to load it.

use std::sync::{Arc, PoisonError};

use orgata_model::operation::{EffectClass, Operation, Plugin};
use orgata_model::{Digest, RuntimeId};

use crate::host::Host;
use crate::wants::Want;

/// Most playbooks that are named.
const MOST: usize = 20;

/// The difference between the version that is current and one that may become it.
#[derive(Debug, Clone, PartialEq)]
pub struct VersionChange {
    /// The version that is current; absent when the plugin is new.
    pub current: Option<VersionName>,
    /// Operations that come.
    pub added: Vec<String>,
    /// Operations that go.
    pub removed: Vec<String>,
    /// Operations that stay and are another thing now.
    pub changed: Vec<OperationChange>,
    /// The effect class, where it is another one.
    pub effect: Option<EffectChange>,
    /// What it wants to reach, and did not before.
    pub wants: Vec<Want>,
    /// Runtimes that go on with the version that they have until somebody confirms what it wants.
    pub waits_in: Vec<RuntimeId>,
    /// Playbooks that would no longer fit, each with why.
    pub breaks: Vec<String>,
}

/// A version, as people tell it from others.
#[derive(Debug, Clone, PartialEq)]
pub struct VersionName {
    /// Its own version text.
    pub version: String,
    /// What it is known by.
    pub digest: Digest,
}

/// What is another thing about an operation.
#[derive(Debug, Clone, PartialEq)]
pub struct OperationChange {
    /// Its name, without the plugin's.
    pub name: String,
    /// `input schema`, `output schema`, `idempotent`, `description`.
    pub what: Vec<&'static str>,
}

/// From one effect class to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EffectChange {
    /// What it was.
    pub from: EffectClass,
    /// What it would be.
    pub to: EffectClass,
}

impl VersionChange {
    /// What `new` changes.
    pub(super) fn of(host: &Host, new: &Arc<Plugin>) -> Self {
        let catalog = host.operations.catalog();
        let current = catalog.plugins.get(&new.name);
        let operations = |plugin: &Plugin, other: Option<&Plugin>| -> Vec<String> {
            let missing = |name: &str| other.is_none_or(|other| other.operation(name).is_none());
            let names = plugin.operations.iter().map(|operation| &*operation.name.operation);
            names.filter(|name| missing(name)).map(str::to_owned).collect()
        };
        let current = current.map(AsRef::as_ref);
        let had = current.map_or_else(Vec::new, Want::of);
        Self {
            current: current
                .map(|plugin| VersionName { version: plugin.version.clone(), digest: plugin.digest }),
            added: operations(new, current),
            removed: current.map_or_else(Vec::new, |current| operations(current, Some(new))),
            changed: current.map_or_else(Vec::new, |current| changed(current, new)),
            effect: current
                .filter(|current| current.effect != new.effect)
                .map(|current| EffectChange { from: current.effect, to: new.effect }),
            wants: Want::of(new).into_iter().filter(|want| !had.contains(want)).collect(),
            waits_in: waiting(host, new),
            breaks: broken(host, new),
        }
    }
}

fn changed(current: &Plugin, new: &Plugin) -> Vec<OperationChange> {
    let both = new.operations.iter().filter_map(|new| Some((current.operation(&new.name.operation)?, new)));
    let changes = both.map(|(before, after)| OperationChange {
        name: after.name.operation.to_string(),
        what: aspects(before, after),
    });
    changes.filter(|change| !change.what.is_empty()).collect()
}

fn aspects(before: &Operation, after: &Operation) -> Vec<&'static str> {
    let aspects = [
        ("input schema", before.input_schema != after.input_schema),
        ("output schema", before.output_schema != after.output_schema),
        ("idempotent", before.idempotent != after.idempotent),
        ("description", before.description != after.description),
    ];
    aspects.into_iter().filter(|(_, differs)| *differs).map(|(aspect, _)| aspect).collect()
}

/// Runtimes in which it would have to be confirmed.
fn waiting(host: &Host, new: &Plugin) -> Vec<RuntimeId> {
    let runtimes = host.runtimes.read().unwrap_or_else(PoisonError::into_inner).clone();
    let mut waits = Vec::new();
    for (id, entry) in runtimes {
        host.catalog_of(&entry);
        if entry.runtime.offers(&new.name) && entry.grants.would_wait(new) {
            waits.push(id);
        }
    }
    waits
}

/// Playbooks that fit now and would not with this version.
fn broken(host: &Host, new: &Arc<Plugin>) -> Vec<String> {
    let runtimes = host.runtimes.read().unwrap_or_else(PoisonError::into_inner).clone();
    let mut broken = Vec::new();
    for (id, entry) in runtimes {
        let playbooks: Vec<_> = {
            let playbooks = entry.playbooks.read().unwrap_or_else(PoisonError::into_inner);
            playbooks.values().cloned().collect()
        };
        for playbook in playbooks {
            let before = host.wiring(&entry, &playbook, None);
            let after = host.wiring(&entry, &playbook, Some(new));
            let fresh = after.iter().find(|problem| !before.iter().any(|old| old.message == problem.message));
            if let (Some(problem), true) = (fresh, broken.len() < MOST) {
                broken.push(format!("{id}/{}: {}", playbook.name, problem.message));
            }
        }
    }
    broken
}

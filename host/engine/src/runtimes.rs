//! Doors: runtimes, their playbooks, roles and operations.

use std::collections::BTreeSet;
use std::sync::{Arc, PoisonError};

use orgata_model::operation::Operation;
use orgata_model::playbook::{Playbook, Work};
use orgata_model::runtime::{Environment, Runtime};
use orgata_model::{OperationName, PlaybookName, RoleName, RuntimeId};
use tracing::info;

use crate::access::{Place, Subject, rules, without_authentication};
use crate::engine::Engine;
use crate::error::{EngineError, Thing};
use crate::feed::Notice;
use crate::host::{Host, RuntimeEntry};
use crate::ports::PublishedPlaybook;
use crate::principal::Principal;
use crate::schedules;

/// A runtime and what is in it.
#[derive(Debug, Clone)]
pub struct RuntimeInfo {
    /// What the operator said of it.
    pub runtime: Runtime,
    /// Its playbooks, by name.
    pub playbooks: Vec<PlaybookName>,
    /// The roles that take part in them.
    pub roles: Vec<RoleName>,
    /// The operations that they may use.
    pub operations: Vec<OperationName>,
}

/// What a role does in a runtime.
#[derive(Debug, Clone)]
pub struct RoleCapabilities {
    /// Its name.
    pub name: RoleName,
    /// For people.
    pub description: Option<String>,
    /// Operations that its steps run.
    pub operations: Vec<OperationName>,
    /// Questions that it answers: playbook and step.
    pub interventions: Vec<(PlaybookName, orgata_model::StepName)>,
    /// Playbooks that it takes part in.
    pub playbooks: Vec<PlaybookName>,
}

impl Engine {
    /// Every runtime that the caller may look at.
    pub fn runtimes(&self, who: &Principal) -> Vec<RuntimeInfo> {
        let runtimes = self.0.runtimes.read().unwrap_or_else(PoisonError::into_inner).clone();
        let seen =
            runtimes.values().filter(|entry| self.0.may_in(who, &rules::RUNTIMES, entry.runtime.environment));
        seen.map(|entry| self.info(who, entry)).collect()
    }

    /// One runtime.
    pub fn runtime(&self, who: &Principal, id: &RuntimeId) -> Result<RuntimeInfo, EngineError> {
        Ok(self.info(who, &*self.0.look_into(who, &rules::RUNTIMES, id)?))
    }

    /// Makes a runtime. One that says the same exists: nothing changes, and that is fine. Where callers need prove nothing it
    /// must be in development: the host would not start with another.
    pub async fn create_runtime(
        &self,
        who: &Principal,
        runtime: Runtime,
    ) -> Result<RuntimeInfo, EngineError> {
        self.0.may_serve(&runtime)?;
        self.0.may_grant(who, &runtime)?;
        self.0.may_grant_secrets(who, &runtime)?;
        runtime.model.as_ref().map_or(Ok(()), |model| model.check()).map_err(EngineError::BadRequest)?;
        let place = Place::In(runtime.environment);
        let name = runtime.id.clone();
        let subject = Subject { thing: Thing::Runtime, name: name.as_str() };
        let work = self.make_runtime(who, runtime);
        self.0.guarded(who, &rules::CREATE_RUNTIME, place, subject, work).await
    }

    async fn make_runtime(&self, who: &Principal, runtime: Runtime) -> Result<RuntimeInfo, EngineError> {
        let id = runtime.id.clone();
        let _one_at_a_time = self.0.changing.lock().await;
        if let Ok(entry) = self.0.runtime(&id) {
            if entry.runtime == runtime {
                return Ok(self.info(who, &entry));
            }
            return Err(EngineError::Exists { thing: Thing::Runtime, name: id.to_string() });
        }
        self.0.store.put_runtime(&runtime).await?;
        info!(runtime = %id, by = who.name(), "runtime created");
        let entry = Arc::new(RuntimeEntry::new(runtime, Some(self.0.witness())));
        self.0
            .runtimes
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(id.clone(), Arc::clone(&entry));
        self.0.catalog_of(&entry);
        self.0.feed.tell(Notice::Definitions { runtime: id, playbook: None });
        Ok(self.info(who, &entry))
    }

    /// Retires a runtime: nothing new starts in it, what runs finishes.
    pub async fn retire_runtime(&self, who: &Principal, id: &RuntimeId) -> Result<(), EngineError> {
        let place = Place::In(self.0.enter(who, id)?.runtime.environment);
        let subject = Subject { thing: Thing::Runtime, name: id.as_str() };
        let work = async {
            let _one_at_a_time = self.0.changing.lock().await;
            self.0.runtime(id)?;
            self.0.store.remove_runtime(id).await?;
            self.0.store.grant_store().forget_standings(id).await?;
            self.0.runtimes.write().unwrap_or_else(PoisonError::into_inner).remove(id);
            self.0.feed.tell(Notice::Definitions { runtime: id.clone(), playbook: None });
            info!(runtime = %id, by = who.name(), "runtime retired");
            Ok(())
        };
        self.0.guarded(who, &rules::RETIRE_RUNTIME, place, subject, work).await
    }

    /// What there is in a runtime, as far as the caller may look at it.
    fn info(&self, who: &Principal, entry: &RuntimeEntry) -> RuntimeInfo {
        let may = |rule| self.0.may_in(who, rule, entry.runtime.environment);
        let playbooks = entry.current();
        let taking_part = playbooks.iter().flat_map(|playbook| playbook.roles.iter());
        let roles: BTreeSet<&RoleName> = taking_part.chain(entry.runtime.roles.keys()).collect();
        let shown = |rule| if may(rule) { usize::MAX } else { 0 };
        RuntimeInfo {
            runtime: entry.runtime.clone(),
            operations: self
                .offered(entry)
                .take(shown(&rules::OPERATIONS))
                .map(|operation| operation.name.clone())
                .collect(),
            roles: roles.into_iter().take(shown(&rules::ROLES)).cloned().collect(),
            playbooks: playbooks
                .iter()
                .take(shown(&rules::PLAYBOOKS))
                .map(|playbook| playbook.name.clone())
                .collect(),
        }
    }

    fn offered(&self, entry: &RuntimeEntry) -> impl Iterator<Item = Arc<Operation>> {
        let catalog = self.0.catalog_of(entry);
        let plugins: Vec<_> =
            catalog.plugins.values().filter(|plugin| self.0.offers(entry, plugin)).cloned().collect();
        plugins.into_iter().flat_map(|plugin| plugin.operations.clone())
    }

    /// The current playbooks of a runtime, by name.
    pub fn playbooks(&self, who: &Principal, runtime: &RuntimeId) -> Result<Vec<Arc<Playbook>>, EngineError> {
        Ok(self.0.look_into(who, &rules::PLAYBOOKS, runtime)?.current())
    }

    /// The current version of a playbook.
    pub fn playbook(
        &self,
        who: &Principal,
        runtime: &RuntimeId,
        name: &PlaybookName,
    ) -> Result<Arc<Playbook>, EngineError> {
        self.0.look_into(who, &rules::PLAYBOOKS, runtime)?.playbook(name)
    }

    /// Publishes a version of a playbook. The same source again changes nothing. `name` is the one that it
    /// must have, when the caller knows it; `file` names the source in diagnostics.
    pub async fn publish_playbook(
        &self,
        who: &Principal,
        runtime: &RuntimeId,
        name: Option<&PlaybookName>,
        file: &str,
        source: String,
    ) -> Result<Arc<Playbook>, EngineError> {
        let place = Place::In(self.0.enter(who, runtime)?.runtime.environment);
        let within = name.map_or_else(|| runtime.to_string(), |name| format!("{runtime}/{name}"));
        let subject = Subject { thing: Thing::Runtime, name: &within };
        let work = self.published(who, runtime, name, file, source);
        self.0.guarded(who, &rules::PUBLISH, place, subject, work).await
    }

    async fn published(
        &self,
        who: &Principal,
        runtime: &RuntimeId,
        name: Option<&PlaybookName>,
        file: &str,
        source: String,
    ) -> Result<Arc<Playbook>, EngineError> {
        let _one_at_a_time = self.0.changing.lock().await;
        let entry = self.0.runtime(runtime)?;
        let playbook = Playbook::parse(file, &source)
            .map_err(|diagnostics| EngineError::BadPlaybook(Box::new(diagnostics)))?;
        if let Some(asked) = name.filter(|asked| **asked != playbook.name) {
            return Err(EngineError::NameMismatch {
                own: playbook.name.to_string(),
                asked: asked.to_string(),
            });
        }
        if let Ok(current) = entry.playbook(&playbook.name)
            && current.digest == playbook.digest
        {
            return Ok(current);
        }
        self.0.check_wiring(&entry, file, &playbook)?;
        let playbook = Arc::new(playbook);
        schedules::prepare(&self.0, &entry, &playbook).await?;
        let published = PublishedPlaybook {
            runtime: runtime.clone(),
            name: playbook.name.clone(),
            version: playbook.version.clone(),
            digest: playbook.digest,
            source,
            published_at: self.0.clock.now(),
        };
        self.0.store.publish_playbook(&published).await?;
        self.0.remember(&playbook);
        let mut playbooks = entry.playbooks.write().unwrap_or_else(PoisonError::into_inner);
        playbooks.insert(playbook.name.clone(), Arc::clone(&playbook));
        self.0.schedules.look_again();
        self.0.rules_changed.notify_one();
        info!(%runtime, playbook = %playbook.name, version = %playbook.version, by = who.name(), "playbook published");
        let name = Some(playbook.name.clone());
        self.0.feed.tell(Notice::Definitions { runtime: runtime.clone(), playbook: name });
        Ok(playbook)
    }

    /// Reads a playbook and compares it with what the runtime offers, as publishing would; nothing is kept.
    pub fn check_playbook(
        &self,
        who: &Principal,
        runtime: &RuntimeId,
        file: &str,
        source: &str,
    ) -> Result<Playbook, EngineError> {
        let entry = self.0.look_into(who, &rules::PLAYBOOKS, runtime)?;
        let playbook = Playbook::parse(file, source)
            .map_err(|diagnostics| EngineError::BadPlaybook(Box::new(diagnostics)))?;
        self.0.check_wiring(&entry, file, &playbook)?;
        Ok(playbook)
    }

    /// Retires a playbook: nothing new starts on it, what runs finishes.
    pub async fn retire_playbook(
        &self,
        who: &Principal,
        runtime: &RuntimeId,
        name: &PlaybookName,
    ) -> Result<(), EngineError> {
        let place = Place::In(self.0.enter(who, runtime)?.runtime.environment);
        let within = format!("{runtime}/{name}");
        let subject = Subject { thing: Thing::Runtime, name: &within };
        let work = async {
            let _one_at_a_time = self.0.changing.lock().await;
            let entry = self.0.runtime(runtime)?;
            entry.playbook(name)?;
            self.0.store.retire_playbook(runtime, name).await?;
            entry.playbooks.write().unwrap_or_else(PoisonError::into_inner).remove(name);
            self.0.feed.tell(Notice::Definitions { runtime: runtime.clone(), playbook: Some(name.clone()) });
            info!(%runtime, playbook = %name, by = who.name(), "playbook retired");
            Ok(())
        };
        self.0.guarded(who, &rules::RETIRE_PLAYBOOK, place, subject, work).await
    }

    /// The operations that a runtime's playbooks may use.
    pub fn operations(
        &self,
        who: &Principal,
        runtime: &RuntimeId,
    ) -> Result<Vec<Arc<Operation>>, EngineError> {
        let entry = self.0.look_into(who, &rules::OPERATIONS, runtime)?;
        Ok(self.offered(&entry).collect())
    }

    /// One operation, by its full name or, where that is clear, by the half behind the slash.
    pub fn operation(
        &self,
        who: &Principal,
        runtime: &RuntimeId,
        name: &str,
    ) -> Result<Arc<Operation>, EngineError> {
        let entry = self.0.look_into(who, &rules::OPERATIONS, runtime)?;
        let all: Vec<_> = self.offered(&entry).collect();
        if let Some(operation) = all.iter().find(|operation| operation.name.to_string() == name) {
            return Ok(Arc::clone(operation));
        }
        let mut named = all.iter().filter(|operation| &*operation.name.operation == name);
        match (named.next(), named.next()) {
            (Some(operation), None) => Ok(Arc::clone(operation)),
            _ => {
                let names: Vec<String> = all.iter().map(|operation| operation.name.to_string()).collect();
                Err(EngineError::not_found_among(Thing::Operation, name, names.iter().map(String::as_str)))
            }
        }
    }

    /// What a role does in a runtime.
    pub fn role(
        &self,
        who: &Principal,
        runtime: &RuntimeId,
        name: &RoleName,
    ) -> Result<RoleCapabilities, EngineError> {
        let entry = self.0.look_into(who, &rules::ROLES, runtime)?;
        let known = entry.runtime.roles.get(name);
        let playbooks = entry.current();
        let taking_part: Vec<_> = playbooks.iter().filter(|playbook| playbook.roles.contains(name)).collect();
        if known.is_none() && taking_part.is_empty() {
            let names = self.info(who, &entry).roles;
            return Err(EngineError::not_found_among(Thing::Role, name, names.iter().map(RoleName::as_str)));
        }
        let steps = || {
            let steps = taking_part
                .iter()
                .flat_map(|playbook| playbook.steps.iter().map(move |step| (playbook, step)));
            steps.filter(|(_, step)| step.role.as_ref() == Some(name))
        };
        let operations: BTreeSet<OperationName> = steps()
            .filter_map(|(_, step)| match &step.work {
                Work::Operation { operation, .. } => Some(operation.clone()),
                _ => None,
            })
            .collect();
        Ok(RoleCapabilities {
            name: name.clone(),
            description: known.and_then(|role| role.description.clone()),
            operations: operations.into_iter().collect(),
            interventions: steps()
                .filter(|(_, step)| matches!(step.work, Work::Intervention(_)))
                .map(|(playbook, step)| (playbook.name.clone(), step.name.clone()))
                .collect(),
            playbooks: taking_part.iter().map(|playbook| playbook.name.clone()).collect(),
        })
    }
}

impl Host {
    /// Refuses what the host would not start with.
    fn may_serve(&self, runtime: &Runtime) -> Result<(), EngineError> {
        if self.settings.asks_nobody && runtime.environment != Environment::Development {
            return Err(EngineError::NotAllowed(without_authentication(&runtime.id, runtime.environment)));
        }
        Ok(())
    }
}

//! The decision, and how a door asks for it.

use std::collections::BTreeSet;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, PoisonError};

use orgata_model::access::{Access, Resource};
use orgata_model::runtime::Environment;
use orgata_model::{ExecutionId, RuntimeId};

use super::audit::AuditVerdict;
use super::rules::Rule;
use crate::error::{EngineError, Thing};
use crate::host::{Host, RuntimeEntry};
use crate::ports::ExecutionQuery;
use crate::principal::{Principal, Reach};

/// What a door has done, on its way.
pub(crate) type Work<'a, T> = Pin<Box<dyn Future<Output = Result<T, EngineError>> + Send + 'a>>;

/// Where something is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// In a runtime of this environment.
    In(Environment),
    /// In the whole host: it must be allowed in every environment that has a runtime.
    Host,
    /// Wherever: it must be allowed in one environment that has a runtime.
    Anywhere,
}

impl Host {
    /// Whether somebody may do this there.
    pub(crate) fn may(&self, who: &Principal, resource: Resource, access: Access, place: Place) -> bool {
        let identity = who.identity();
        if !identity.covers(resource, access) || !self.believes(who) {
            return false;
        }
        let Reach::Environments(reach) = &identity.reach else { return true };
        let there = |environment: Environment| {
            reach.contains(&environment)
                && self
                    .matrix
                    .of(environment, identity.roles.iter())
                    .any(|permissions| permissions.allow(resource, access))
        };
        match place {
            Place::In(environment) => there(environment),
            // Where no runtime is, nobody was let in.
            Place::Host => {
                let environments = self.environments();
                !environments.is_empty() && environments.into_iter().all(there)
            }
            Place::Anywhere => self.environments().into_iter().any(there),
        }
    }

    /// Whether somebody may do anything at all there. What is elsewhere does not exist for it.
    pub(crate) fn sees(&self, who: &Principal, environment: Environment) -> bool {
        let place = Place::In(environment);
        Resource::ALL.into_iter().any(|resource| self.may(who, resource, Access::Read, place))
    }

    /// A runtime, if somebody may do anything at all there.
    pub(crate) fn enter(&self, who: &Principal, id: &RuntimeId) -> Result<Arc<RuntimeEntry>, EngineError> {
        let runtimes = self.runtimes.read().unwrap_or_else(PoisonError::into_inner);
        let seen = |entry: &&Arc<RuntimeEntry>| self.sees(who, entry.runtime.environment);
        match runtimes.get(id) {
            Some(entry) if seen(&entry) => return Ok(Arc::clone(entry)),
            Some(hidden) => self.note_unseen(who, id.as_str(), hidden.runtime.environment),
            None => {}
        }
        let others = runtimes.values().filter(seen).map(|entry| entry.runtime.id.as_str());
        Err(EngineError::not_found_among(Thing::Runtime, id, others))
    }

    /// A runtime, if somebody may look at this in it.
    pub(crate) fn look_into(
        &self,
        who: &Principal,
        rule: &'static Rule,
        id: &RuntimeId,
    ) -> Result<Arc<RuntimeEntry>, EngineError> {
        let entry = self.enter(who, id)?;
        let subject = Subject { thing: Thing::Runtime, name: id.as_str() };
        self.permit(who, rule, Place::In(entry.runtime.environment), subject)?;
        Ok(entry)
    }

    /// Lets somebody look at an execution, or refuses.
    pub(crate) async fn look_at(
        &self,
        who: &Principal,
        rule: &'static Rule,
        id: ExecutionId,
    ) -> Result<(), EngineError> {
        let place = self.place_of(who, id).await?;
        let name = id.to_string();
        self.permit(who, rule, place, Subject { thing: Thing::Execution, name: &name })
    }

    /// The runtimes in which somebody may do this; nothing when that is wherever anything is.
    pub(crate) fn within(&self, who: &Principal, rule: &Rule) -> Option<BTreeSet<RuntimeId>> {
        if self.may(who, rule.resource, rule.access, Place::Host) {
            return None;
        }
        let runtimes = self.runtimes.read().unwrap_or_else(PoisonError::into_inner);
        let allowed = |entry: &&Arc<RuntimeEntry>| self.may_in(who, rule, entry.runtime.environment);
        Some(runtimes.values().filter(allowed).map(|entry| entry.runtime.id.clone()).collect())
    }

    /// A query, narrowed to where somebody may do this; nothing when that is nowhere.
    pub(crate) fn narrowed(
        &self,
        who: &Principal,
        rule: &Rule,
        query: &ExecutionQuery,
    ) -> Option<ExecutionQuery> {
        let may = self.narrowed_to(who, rule, query.runtime.as_ref())?;
        let runtimes = both(may, query.runtimes.as_ref());
        if runtimes.as_ref().is_some_and(BTreeSet::is_empty) {
            return None;
        }
        Some(ExecutionQuery { runtimes, ..query.clone() })
    }

    /// The runtimes to ask for, where all or one are meant: `Some(None)` needs no narrowing, nothing is nowhere.
    pub(crate) fn narrowed_to(
        &self,
        who: &Principal,
        rule: &Rule,
        meant: Option<&RuntimeId>,
    ) -> Option<Option<BTreeSet<RuntimeId>>> {
        if let Some(runtime) = meant {
            let place = self.place_of_runtime(runtime);
            return self.may(who, rule.resource, rule.access, place).then_some(None);
        }
        let within = self.within(who, rule);
        within.as_ref().is_none_or(|runtimes| !runtimes.is_empty()).then_some(within)
    }

    /// Whether a rule lets somebody do it in this environment.
    pub(crate) fn may_in(&self, who: &Principal, rule: &Rule, environment: Environment) -> bool {
        self.may(who, rule.resource, rule.access, Place::In(environment))
    }

    /// Environments in which a runtime lives.
    fn environments(&self) -> BTreeSet<Environment> {
        let runtimes = self.runtimes.read().unwrap_or_else(PoisonError::into_inner);
        runtimes.values().map(|entry| entry.runtime.environment).collect()
    }

    /// Lets somebody look, or refuses. Looking is not written down; being refused is.
    pub(crate) fn permit(
        &self,
        who: &Principal,
        rule: &'static Rule,
        place: Place,
        subject: Subject<'_>,
    ) -> Result<(), EngineError> {
        if self.may(who, rule.resource, rule.access, place) {
            return Ok(());
        }
        let refusal = self.refusal(who, rule, place, subject);
        self.note(who, rule, subject.name, AuditVerdict::Denied(refusal.to_string()));
        Err(refusal)
    }

    /// Does `work` if somebody may have it done, and writes down that it was let in before, and that it failed after.
    /// Boxed here, once for every door: some of what is done takes much room.
    pub(crate) fn guarded<'a, T: Send + 'a>(
        &'a self,
        who: &'a Principal,
        rule: &'static Rule,
        place: Place,
        subject: Subject<'a>,
        work: impl Future<Output = Result<T, EngineError>> + Send + 'a,
    ) -> Work<'a, T> {
        Box::pin(async move {
            self.permit(who, rule, place, subject)?;
            self.noted(who, rule, subject, None, work).await
        })
    }

    /// Does `work`, which somebody may have done, and writes it down as [`Host::guarded`] does, with what it is done for.
    pub(crate) fn recorded<'a, T: Send + 'a>(
        &'a self,
        who: &'a Principal,
        rule: &'static Rule,
        subject: Subject<'a>,
        reason: Option<String>,
        work: impl Future<Output = Result<T, EngineError>> + Send + 'a,
    ) -> Work<'a, T> {
        Box::pin(self.noted(who, rule, subject, reason, work))
    }

    async fn noted<T>(
        &self,
        who: &Principal,
        rule: &'static Rule,
        subject: Subject<'_>,
        reason: Option<String>,
        work: impl Future<Output = Result<T, EngineError>>,
    ) -> Result<T, EngineError> {
        self.admit(who, rule, subject.name, reason)?;
        let outcome = work.await;
        if let Err(error) = &outcome {
            self.note(who, rule, subject.name, AuditVerdict::Failed(error.code()));
        }
        outcome
    }

    /// Who may not even look is told that there is nothing.
    fn refusal(
        &self,
        who: &Principal,
        rule: &'static Rule,
        place: Place,
        subject: Subject<'_>,
    ) -> EngineError {
        let looks = |resource| self.may(who, resource, Access::Read, place);
        // Who stands in a runtime has been let into it; what is the host's own is no secret.
        let sees = !subject.thing.is_hidden() || looks(subject.thing.resource()) || looks(rule.resource);
        if !sees {
            return EngineError::not_found(subject.thing, subject.name);
        }
        let (access, resource) = (rule.access.as_str(), rule.resource.as_str());
        let message = match place {
            Place::In(environment) => {
                let environment = environment.as_str();
                format!("{} may not do this: it takes {access} of {resource} in {environment}", who.name())
            }
            Place::Host => format!(
                "{} may not do this: it concerns the whole host, and takes {access} of {resource} in every environment",
                who.name()
            ),
            Place::Anywhere => format!("{} may not do this: it takes {access} of {resource}", who.name()),
        };
        EngineError::NotAllowed(message)
    }

    /// Where an execution lives.
    pub(crate) async fn place_of(&self, who: &Principal, id: ExecutionId) -> Result<Place, EngineError> {
        // Whoever may do everything may do it anywhere: no need to look.
        if who.identity().reach == Reach::Everything {
            return Ok(Place::Host);
        }
        let stored = self.store.execution(id).await?;
        let stored = stored.ok_or_else(|| EngineError::not_found(Thing::Execution, id))?;
        let place = self.place_of_runtime(&stored.summary.runtime);
        match place {
            Place::In(environment) if !self.sees(who, environment) => {
                self.note_unseen(who, &id.to_string(), environment);
                Err(EngineError::not_found(Thing::Execution, id))
            }
            place => Ok(place),
        }
    }

    /// Where a runtime lives. One that was retired is nowhere in particular: it takes being allowed everywhere.
    pub(crate) fn place_of_runtime(&self, id: &RuntimeId) -> Place {
        self.runtime(id).map_or(Place::Host, |entry| Place::In(entry.runtime.environment))
    }
}

/// The runtimes that are both allowed and wanted; absent for all.
pub(crate) fn both(
    allowed: Option<BTreeSet<RuntimeId>>,
    wanted: Option<&BTreeSet<RuntimeId>>,
) -> Option<BTreeSet<RuntimeId>> {
    match (allowed, wanted) {
        (Some(allowed), Some(wanted)) => Some(allowed.intersection(wanted).cloned().collect()),
        (allowed, wanted) => allowed.or_else(|| wanted.cloned()),
    }
}

/// What something is done with.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Subject<'a> {
    pub(crate) thing: Thing,
    pub(crate) name: &'a str,
}

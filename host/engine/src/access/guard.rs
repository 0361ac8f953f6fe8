//! The decision, and how a door asks for it.

use std::future::Future;
use std::sync::PoisonError;

use orgata_model::ExecutionId;
use orgata_model::access::{Access, Resource};
use orgata_model::runtime::Environment;

use super::audit::AuditVerdict;
use super::rules::Rule;
use crate::error::{EngineError, Thing};
use crate::host::Host;
use crate::principal::{Principal, Reach};

/// Where something is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// In a runtime of this environment.
    In(Environment),
    /// In the whole host: it must be allowed in every environment that has a runtime.
    Host,
}

impl Host {
    /// Whether somebody may do this there.
    pub(crate) fn may(&self, who: &Principal, resource: Resource, access: Access, place: Place) -> bool {
        let identity = who.identity();
        let Reach::Environments(reach) = &identity.reach else { return true };
        let covered = |scope: &crate::principal::Scope| scope.resource == resource && scope.access >= access;
        if identity.scopes.as_ref().is_some_and(|scopes| !scopes.iter().any(covered)) {
            return false;
        }
        let there = |environment: Environment| {
            reach.contains(&environment)
                && self
                    .matrix
                    .of(environment, identity.roles.iter())
                    .any(|permissions| permissions.allow(resource, access))
        };
        match place {
            Place::In(environment) => there(environment),
            Place::Host => self.environments().into_iter().all(there),
        }
    }

    /// Environments in which a runtime lives.
    fn environments(&self) -> std::collections::BTreeSet<Environment> {
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
    pub(crate) async fn guarded<T>(
        &self,
        who: &Principal,
        rule: &'static Rule,
        place: Place,
        subject: Subject<'_>,
        work: impl Future<Output = Result<T, EngineError>>,
    ) -> Result<T, EngineError> {
        self.permit(who, rule, place, subject)?;
        self.admit(who, rule, subject.name)?;
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
        let sees = self.may(who, subject.thing.resource(), Access::Read, place);
        if sees || place == Place::Host {
            let message = format!(
                "{} may not do this: it takes {} of {}",
                who.name(),
                rule.access.as_str(),
                rule.resource.as_str()
            );
            return EngineError::NotAllowed(message);
        }
        EngineError::not_found(subject.thing, subject.name)
    }

    /// Where an execution lives.
    pub(crate) async fn place_of(&self, who: &Principal, id: ExecutionId) -> Result<Place, EngineError> {
        // Whoever may do everything may do it anywhere: no need to look.
        if who.identity().reach == Reach::Everything {
            return Ok(Place::Host);
        }
        let stored = self.store.execution(id).await?;
        let stored = stored.ok_or_else(|| EngineError::not_found(Thing::Execution, id))?;
        Ok(self.place_of_runtime(&stored.summary.runtime))
    }

    /// Where a runtime lives. One that was retired is nowhere in particular: it takes being allowed everywhere.
    pub(crate) fn place_of_runtime(&self, id: &orgata_model::RuntimeId) -> Place {
        self.runtime(id).map_or(Place::Host, |entry| Place::In(entry.runtime.environment))
    }
}

/// What something is done with.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Subject<'a> {
    pub(crate) thing: Thing,
    pub(crate) name: &'a str,
}

//! Roots of a client, as what it wants to see: `orgata://environment/NAME` narrows lists to that environment.
//!
//! A client that names several sees them all; one that names none of ours sees what it may. Anything else among its roots
//! is somebody else's affair. An environment that does not exist has nothing in it. Roots are a client's own wish, and no
//! permission: they take away from lists, completions among them, and never add; what is asked for by name is read as ever.
//!
//! Only for revision 2025-11-25: the client is asked once, on the stream of the first request for a list, and again when it
//! says that they changed. The next revision deprecates them, and has no requests of servers.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use orgata_engine::RuntimeInfo;
use orgata_model::RuntimeId;
use orgata_model::runtime::Environment;
#[expect(deprecated, reason = "deprecated by the revision after the one that it is for")]
use rmcp::model::ListRootsResult;

use super::call::Call;

/// What the address of an environment begins with.
const ENVIRONMENT: &str = "orgata://environment/";
/// A client that does not say by then sees what it may.
const PATIENCE: Duration = Duration::from_secs(5);
/// More roots than these are not looked at.
const MOST: usize = 1_000;

/// The roots of one session. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(super) struct Roots(Arc<Mutex<Known>>);

#[derive(Debug, Default)]
struct Known {
    /// What the client said last; nothing when it must be asked.
    view: Option<View>,
    /// Counts changes: what was asked before one is not kept after it.
    changes: u64,
}

/// What a client wants to see.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct View(Option<Arc<BTreeSet<Environment>>>);

impl Roots {
    /// The client says that they changed.
    pub(super) fn changed(&self) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.view = None;
        known.changes += 1;
    }

    /// What the client wants to see; it is asked, where it was not before.
    pub(super) async fn view(&self, call: &Call) -> View {
        let before = {
            let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            match &known.view {
                Some(view) => return view.clone(),
                None => known.changes,
            }
        };
        let view = if call.has_roots() { ask(call).await } else { View::default() };
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.changes == before {
            known.view = Some(view.clone());
        }
        view
    }
}

async fn ask(call: &Call) -> View {
    #[expect(deprecated, reason = "as above")]
    let asking = call.context.peer.list_roots();
    match tokio::time::timeout(PATIENCE, asking).await {
        Ok(Ok(told)) => View::of(&told),
        _ => {
            tracing::debug!("a client that has roots did not tell them");
            View::default()
        }
    }
}

impl View {
    #[expect(deprecated, reason = "as above")]
    fn of(told: &ListRootsResult) -> Self {
        Self::named(told.roots.iter().take(MOST).map(|root| root.uri.as_str()))
    }

    fn named<'r>(roots: impl Iterator<Item = &'r str>) -> Self {
        let names: Vec<&str> = roots.filter_map(|root| root.strip_prefix(ENVIRONMENT)).collect();
        if names.is_empty() {
            return Self::default();
        }
        let is_named = |environment: &Environment| names.contains(&environment.as_str());
        Self(Some(Arc::new(Environment::ALL.into_iter().filter(is_named).collect())))
    }

    /// Whether lists have what is in this environment.
    pub(super) fn shows(&self, environment: Environment) -> bool {
        self.0.as_ref().is_none_or(|environments| environments.contains(&environment))
    }

    fn is_narrow(&self) -> bool {
        self.0.is_some()
    }
}

/// The runtimes that the caller may look at, and wants to see.
pub(super) async fn runtimes(call: &Call) -> Vec<RuntimeInfo> {
    let view = call.view().await;
    let mut runtimes = call.engine().runtimes(&call.who);
    runtimes.retain(|info| view.shows(info.runtime.environment));
    runtimes
}

/// The runtimes of which lists tell; absent for all.
pub(super) async fn only(call: &Call) -> Option<BTreeSet<RuntimeId>> {
    if !call.view().await.is_narrow() {
        return None;
    }
    Some(runtimes(call).await.into_iter().map(|info| info.runtime.id).collect())
}

/// Whether lists tell of this runtime. What it is refused for, if it is, others say.
pub(super) async fn tells_of(call: &Call, runtime: &RuntimeId) -> bool {
    only(call).await.is_none_or(|only| only.contains(runtime))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(roots: &[&str]) -> Vec<&'static str> {
        let view = View::named(roots.iter().copied());
        Environment::ALL.into_iter().filter(|one| view.shows(*one)).map(Environment::as_str).collect()
    }

    #[test]
    fn roots_narrow_and_anything_else_among_them_is_passed_over() {
        let all = ["production", "staging", "simulation", "development"];
        assert_eq!(shown(&[]), all);
        assert_eq!(shown(&["file:///home/ann", "orgata://runtime/kitchen-v1"]), all);
        assert_eq!(shown(&["file:///x", "orgata://environment/staging"]), ["staging"]);
        let two = ["orgata://environment/development", "orgata://environment/production"];
        assert_eq!(shown(&two), ["production", "development"]);
    }

    #[test]
    fn an_environment_that_there_is_not_has_nothing_in_it() {
        assert_eq!(shown(&["orgata://environment/prod"]), [""; 0]);
    }
}

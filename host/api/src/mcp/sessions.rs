//! Whose session it is.
//!
//! A session of the older revisions is known by an id alone, and its library asks nobody who sends it. So the door
//! remembers for whom each was opened: to everybody else there is no such session, whatever the verb. Sessions that are
//! gone are forgotten when room is needed. What a session follows it follows with the key or token that opened it, and it ends
//! with that: a client that has a new one initializes anew.

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};

use orgata_engine::Principal;
use orgata_engine::access::Lapse;
use rmcp::transport::streamable_http_server::session::SessionManager as _;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use tokio_util::task::AbortOnDropHandle;
use tracing::debug;

/// The owners of the sessions that are open.
pub(super) struct Sessions {
    manager: Arc<LocalSessionManager>,
    most: usize,
    owners: Mutex<HashMap<Arc<str>, Owner>>,
}

/// Whoever opened a session.
struct Owner {
    who: Principal,
    /// Ends the session with what was proved.
    _ending: AbortOnDropHandle<()>,
}

impl Sessions {
    /// At most `most` at once.
    pub(super) fn new(manager: Arc<LocalSessionManager>, most: usize) -> Self {
        Self { manager, most, owners: Mutex::default() }
    }

    /// Whether this session was opened for this principal.
    pub(super) fn belongs(&self, session: &str, who: &Principal) -> bool {
        let owners = self.owners.lock().unwrap_or_else(PoisonError::into_inner);
        owners.get(session).is_some_and(|owner| owner.who == *who)
    }

    /// Remembers for whom a session was opened, and ends it with what was proved then.
    pub(super) fn bind(
        &self,
        session: &str,
        who: &Principal,
        lapse: impl Future<Output = Lapse> + Send + 'static,
    ) {
        let mut owners = self.owners.lock().unwrap_or_else(PoisonError::into_inner);
        let id: Arc<str> = session.into();
        let fresh = || Owner { who: who.clone(), _ending: self.ending(Arc::clone(&id), lapse) };
        owners.entry(Arc::clone(&id)).or_insert_with(fresh);
    }

    /// The session is over: its owner said so.
    pub(super) fn forget(&self, session: &str) {
        self.owners.lock().unwrap_or_else(PoisonError::into_inner).remove(session);
    }

    fn ending(
        &self,
        session: Arc<str>,
        lapse: impl Future<Output = Lapse> + Send + 'static,
    ) -> AbortOnDropHandle<()> {
        let manager = Arc::clone(&self.manager);
        AbortOnDropHandle::new(tokio::spawn(async move {
            let lapse = lapse.await;
            debug!(%session, ?lapse, "an MCP session ends with what opened it");
            // One that is gone needs no end.
            let _ = manager.close_session(&session).await;
        }))
    }

    /// Whether another session may be opened.
    pub(super) async fn has_room(&self) -> bool {
        let open = self.manager.sessions.read().await;
        let mut owners = self.owners.lock().unwrap_or_else(PoisonError::into_inner);
        if owners.len() >= self.most {
            owners.retain(|session, _| open.contains_key(session));
        }
        owners.len() < self.most
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use orgata_engine::PrincipalKind;

    use super::*;

    #[tokio::test]
    async fn a_session_is_its_owners_alone() {
        let sessions = Sessions::new(Arc::default(), 10);
        let (ann, bob) =
            (Principal::trusted("ann", PrincipalKind::User), Principal::trusted("bob", PrincipalKind::User));
        sessions.bind("s", &ann, pending());
        assert!(sessions.belongs("s", &ann));
        assert!(!sessions.belongs("s", &bob), "to everybody else there is no such session");
        assert!(!sessions.belongs("t", &ann));
        sessions.bind("s", &bob, pending());
        assert!(sessions.belongs("s", &ann) && !sessions.belongs("s", &bob), "nobody takes one over");
    }

    #[tokio::test]
    async fn sessions_that_are_gone_are_forgotten_when_room_is_needed() {
        let sessions = Sessions::new(Arc::default(), 2);
        let ann = Principal::trusted("ann", PrincipalKind::User);
        sessions.bind("a", &ann, pending());
        assert!(sessions.has_room().await && sessions.belongs("a", &ann));
        sessions.bind("b", &ann, pending());
        // The manager knows none of them.
        assert!(sessions.has_room().await && !sessions.belongs("a", &ann));
    }
}

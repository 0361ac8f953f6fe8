//! What happens in the host, as one caller may hear it.

use std::sync::Arc;

use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};

use crate::access::{Place, Rule, rules};
use crate::feed::Notice;
use crate::host::Host;
use crate::principal::Principal;

/// The notices that somebody may hear, from when it began to listen.
pub struct Notices {
    host: Arc<Host>,
    who: Principal,
    notices: Receiver<Notice>,
}

impl Notices {
    pub(crate) fn new(host: Arc<Host>, who: Principal) -> Self {
        let notices = host.feed.notices();
        Self { host, who, notices }
    }

    /// The next one; waits for it. Who falls behind is told how many were missed, other people's among them.
    pub async fn recv(&mut self) -> Result<Notice, RecvError> {
        loop {
            let notice = self.notices.recv().await?;
            if self.hears(&notice) {
                return Ok(notice);
            }
        }
    }

    /// The next one that has come already.
    pub fn try_recv(&mut self) -> Result<Notice, TryRecvError> {
        loop {
            let notice = self.notices.try_recv()?;
            if self.hears(&notice) {
                return Ok(notice);
            }
        }
    }

    /// Permissions may be others than when it began, so each notice is judged.
    fn hears(&self, notice: &Notice) -> bool {
        let may = |rule: &Rule, place| self.host.may(&self.who, rule.resource, rule.access, place);
        match notice {
            Notice::Event { runtime, .. } => may(&rules::LOOK, self.host.place_of_runtime(runtime)),
            // A change of a plugin is one of the operations that runtimes offer.
            Notice::Plugin(_) => {
                may(&rules::OPERATIONS, Place::Anywhere) || may(&rules::PLUGINS, Place::Anywhere)
            }
            Notice::Definitions { runtime, .. } => may(&rules::RUNTIMES, self.host.place_of_runtime(runtime)),
        }
    }
}

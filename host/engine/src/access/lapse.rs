//! When what somebody proved itself with comes to its end.
//!
//! Each request brings its proof anew. A connection that stays open does not: whoever holds one waits here, and closes it.

use jiff::Timestamp;

use crate::engine::Engine;
use crate::principal::{Principal, Proof};

/// Why a proof is no longer good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lapse {
    /// It was revoked.
    Revoked,
    /// Its time is over.
    Expired,
}

impl Lapse {
    /// What whoever brought it is told.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Revoked => "what you proved yourself with was revoked",
            Self::Expired => "what you proved yourself with has expired: come again with a new one",
        }
    }
}

impl Engine {
    /// Whether what somebody proved itself with is still good.
    pub fn believes(&self, who: &Principal) -> bool {
        self.0.believes(who)
    }

    /// Waits until it no longer is, and tells why. For ever where it has no end.
    pub async fn lapse(&self, who: &Principal) -> Lapse {
        match who.proof() {
            None => std::future::pending().await,
            Some(Proof::Until(end)) => self.expiry(Some(end)).await,
            Some(Proof::Key(id)) => {
                let Some((revoked, end)) = self.0.keys.end(id) else { return Lapse::Revoked };
                tokio::select! {
                    biased;
                    () = revoked.cancelled() => Lapse::Revoked,
                    lapse = self.expiry(end) => lapse,
                }
            }
        }
    }

    async fn expiry(&self, end: Option<Timestamp>) -> Lapse {
        let Some(end) = end else { return std::future::pending().await };
        while self.0.clock.now() < end {
            self.0.clock.sleep_until(end).await;
        }
        Lapse::Expired
    }
}

//! Tickets: what a page shows in a URL, where a browser lets it send no header.
//!
//! Each is good once, for half a minute, for whoever took it, and for a WebSocket alone. They are in memory, and bounded;
//! what is kept is a digest, so looking one up tells nothing of the others.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use orgata_engine::Principal;

use super::api_key::{Secret, digest};
use crate::error::ApiError;

/// How long one is good.
pub(crate) const GOOD_FOR: Duration = Duration::from_secs(30);
/// Most of them at once, and of one principal.
const MOST: usize = 10_000;
const MOST_OF_ONE: usize = 100;

/// The tickets that were not used yet.
#[derive(Default)]
pub(crate) struct Tickets(Mutex<HashMap<[u8; 32], Ticket>>);

struct Ticket {
    who: Principal,
    until: Instant,
}

impl Tickets {
    /// A ticket for this principal.
    pub(crate) fn issue(&self, who: &Principal, now: Instant) -> Result<String, ApiError> {
        let secret = Secret::fresh()?;
        let mut tickets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        tickets.retain(|_, ticket| ticket.until > now);
        let own = tickets.values().filter(|ticket| ticket.who == *who).count();
        if tickets.len() >= MOST || own >= MOST_OF_ONE {
            return Err(ApiError::new(
                "OVERLOADED",
                "too many tickets are unused: use one, or wait half a minute",
            ));
        }
        tickets.insert(secret.digest(), Ticket { who: who.clone(), until: now + GOOD_FOR });
        Ok(secret.into_text())
    }

    /// Whoever took this ticket, if it is good. It is not, from now on.
    pub(super) fn redeem(&self, ticket: &str, now: Instant) -> Option<Principal> {
        let mut tickets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        tickets.remove(&digest(ticket)).filter(|ticket| ticket.until > now).map(|ticket| ticket.who)
    }
}

#[cfg(test)]
mod tests {
    use orgata_engine::PrincipalKind;

    use super::*;

    #[test]
    fn a_ticket_is_good_once_and_for_a_while() {
        let (tickets, now) = (Tickets::default(), Instant::now());
        let ann = Principal::trusted("ann", PrincipalKind::User);
        let ticket = tickets.issue(&ann, now).unwrap();
        assert_eq!(tickets.redeem("another", now), None);
        assert_eq!(tickets.redeem(&ticket, now), Some(ann.clone()));
        assert_eq!(tickets.redeem(&ticket, now), None, "it was used");
        let late = tickets.issue(&ann, now).unwrap();
        assert_eq!(tickets.redeem(&late, now + GOOD_FOR), None, "it is too old");
    }

    #[test]
    fn nobody_takes_all_the_tickets() {
        let (tickets, now) = (Tickets::default(), Instant::now());
        let (ann, bob) =
            (Principal::trusted("ann", PrincipalKind::User), Principal::trusted("bob", PrincipalKind::User));
        for _ in 0..MOST_OF_ONE {
            tickets.issue(&ann, now).unwrap();
        }
        assert_eq!(tickets.issue(&ann, now).unwrap_err().code(), "OVERLOADED");
        assert!(tickets.issue(&bob, now).is_ok());
        assert!(tickets.issue(&ann, now + GOOD_FOR).is_ok(), "old ones make room");
    }
}

//! How often one caller may ask: requests, calls of tools and frames alike.
//!
//! Whoever has a name is counted by it, everybody else by address. A caller has a *burst*, which comes back at a steady
//! rate; what goes beyond it is refused before any of it is worked on, and the headers of every answer say what is left
//! (draft-ietf-httpapi-ratelimit-headers).
//!
//! Somebody who needs no name because they sit at this machine is not counted, unless `thisMachine` says so: they may do
//! everything, and could as well end the process. A proxy on this machine that lets strangers through is the
//! one to count them.
//!
//! The table is bounded: of more callers than fit, those that come often are kept. Not here: how much is worked on at once
//! (the engine's `OVERLOADED`), how many connect (`serve`).

mod settings;

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::middleware::StateInformationMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use http::{Extensions, HeaderMap, HeaderName, HeaderValue};
use moka::sync::Cache;
use orgata_engine::{Principal, Reach};

use crate::error::ApiError;
use crate::peer::{Peer, neighbourhood};

pub use settings::RateSettings;

const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const LEFT: HeaderName = HeaderName::from_static("ratelimit");

type Bucket<C> = RateLimiter<NotKeyed, InMemoryState, C, StateInformationMiddleware>;

/// What every caller has left.
pub(crate) struct Rates<C: Clock = DefaultClock> {
    /// None where nobody is counted.
    limit: Option<Limit>,
    this_machine: bool,
    callers: Cache<Counted, Arc<Bucket<C>>>,
    clock: C,
}

struct Limit {
    quota: Quota,
    policy: HeaderValue,
}

/// Under what a caller is counted. In the extensions of the requests of those that are.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Counted {
    Name(Arc<str>),
    Address(IpAddr),
    /// Not even an address is known.
    Unknown,
}

/// What becomes of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ruling {
    /// It is not counted.
    Free,
    /// It may go on; so many more may, now.
    Within(u32),
    /// The caller has to wait that long.
    Over(Duration),
}

impl Rates {
    pub(crate) fn new(settings: &RateSettings) -> Self {
        Self::with_clock(settings, DefaultClock::default())
    }
}

impl<C> Rates<C>
where
    C: Clock + Clone + Send + Sync + 'static,
    C::Instant: Send + Sync,
{
    fn with_clock(settings: &RateSettings, clock: C) -> Self {
        let limit = NonZeroU32::new(settings.requests_per_second).map(|rate| {
            let burst = NonZeroU32::new(settings.burst).unwrap_or(rate).max(rate);
            let quota = Quota::per_second(rate).allow_burst(burst);
            let window = seconds(quota.burst_size_replenished_in());
            let policy = format!("\"caller\";q={burst};w={window}");
            Limit { quota, policy: HeaderValue::try_from(policy).unwrap_or(HeaderValue::from_static("")) }
        });
        // After that time a caller has all of its burst again, and need not be remembered.
        let forgotten =
            limit.as_ref().map_or(Duration::ZERO, |limit| limit.quota.burst_size_replenished_in());
        let callers = Cache::builder()
            .max_capacity(settings.callers)
            .time_to_idle(forgotten + Duration::from_secs(1))
            .build();
        Self { limit, this_machine: settings.this_machine, callers, clock }
    }

    /// Under what the caller of a request is counted, if it is. A stranger would have had to prove who it is, and did not:
    /// it is counted wherever it sits.
    pub(crate) fn whose(&self, request: &Extensions, is_stranger: bool) -> Option<Counted> {
        self.limit.as_ref()?;
        let address = request.get::<Peer>().and_then(|peer| peer.address);
        let named = request.get::<Principal>().filter(|who| who.identity().reach != Reach::Everything);
        match (named, address) {
            (Some(who), _) => Some(Counted::Name(who.actor())),
            (None, address)
                if !(is_stranger || self.this_machine) && address.is_none_or(|at| at.is_loopback()) =>
            {
                None
            }
            (None, Some(address)) => Some(Counted::Address(neighbourhood(address))),
            (None, None) => Some(Counted::Unknown),
        }
    }

    /// Counts one request, or one frame.
    pub(crate) fn take(&self, whose: Option<&Counted>) -> Ruling {
        let (Some(limit), Some(whose)) = (&self.limit, whose) else { return Ruling::Free };
        let bucket = self.callers.get_with_by_ref(whose, || {
            Arc::new(RateLimiter::direct_with_clock(limit.quota, self.clock.clone()).with_middleware())
        });
        match bucket.check() {
            Ok(state) => Ruling::Within(state.remaining_burst_capacity()),
            Err(until) => {
                metrics::counter!("orgata_rate_limited_total").increment(1);
                Ruling::Over(until.wait_time_from(self.clock.now()))
            }
        }
    }

    /// Tells a client what it has left.
    pub(crate) fn mark(&self, ruling: &Ruling, headers: &mut HeaderMap) {
        let Some(limit) = &self.limit else { return };
        let (left, time) = match ruling {
            Ruling::Free => return,
            Ruling::Within(left) => {
                let gone = limit.quota.burst_size().get().saturating_sub(*left);
                (*left, limit.quota.replenish_interval().saturating_mul(gone))
            }
            Ruling::Over(wait) => (0, *wait),
        };
        headers.insert(POLICY, limit.policy.clone());
        if let Ok(value) = HeaderValue::try_from(format!("\"caller\";r={left};t={}", seconds(time))) {
            headers.insert(LEFT, value);
        }
    }
}

impl Ruling {
    /// The refusal, if it is one.
    pub(crate) fn refusal(&self) -> Option<ApiError> {
        let Self::Over(wait) = self else { return None };
        let wait = seconds(*wait);
        let message = format!("you ask more often than you may (api.rate): come back in {wait} s");
        Some(ApiError::new("RATE_LIMITED", message).retry_after(Duration::from_secs(wait)))
    }
}

/// Whole seconds, and none too few.
fn seconds(time: Duration) -> u64 {
    time.as_secs() + u64::from(time.subsec_nanos() > 0)
}

#[cfg(test)]
mod tests {
    use governor::clock::FakeRelativeClock;
    use orgata_engine::PrincipalKind;

    use super::*;

    fn rates(clock: &FakeRelativeClock, this_machine: bool) -> Rates<FakeRelativeClock> {
        let settings = RateSettings { requests_per_second: 2, burst: 4, callers: 100, this_machine };
        Rates::with_clock(&settings, clock.clone())
    }

    fn from(address: &str) -> Extensions {
        let mut request = Extensions::new();
        request.insert(Peer { address: Some(address.parse().unwrap()), ..Peer::default() });
        request
    }

    #[test]
    fn a_burst_is_allowed_and_comes_back_at_the_rate() {
        let clock = FakeRelativeClock::default();
        let rates = rates(&clock, false);
        let (one, other) = (rates.whose(&from("192.0.2.1"), false), rates.whose(&from("192.0.2.2"), false));
        for left in [3, 2, 1, 0] {
            assert_eq!(rates.take(one.as_ref()), Ruling::Within(left));
        }
        assert_eq!(rates.take(one.as_ref()), Ruling::Over(Duration::from_millis(500)));
        assert_eq!(rates.take(other.as_ref()), Ruling::Within(3), "everybody has their own");
        clock.advance(Duration::from_millis(500));
        assert_eq!(rates.take(one.as_ref()), Ruling::Within(0));
        assert!(matches!(rates.take(one.as_ref()), Ruling::Over(_)));
    }

    #[test]
    fn the_headers_say_what_is_left_and_for_how_long() {
        let clock = FakeRelativeClock::default();
        let rates = rates(&clock, false);
        let told = |ruling: &Ruling| {
            let mut headers = HeaderMap::new();
            rates.mark(ruling, &mut headers);
            headers
                .iter()
                .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
                .collect::<Vec<_>>()
        };
        let policy = "ratelimit-policy: \"caller\";q=4;w=2";
        assert_eq!(told(&Ruling::Within(1)), [policy, "ratelimit: \"caller\";r=1;t=2"]);
        assert_eq!(
            told(&Ruling::Over(Duration::from_millis(1200))),
            [policy, "ratelimit: \"caller\";r=0;t=2"]
        );
        assert_eq!(told(&Ruling::Free), [""; 0]);
    }

    #[test]
    fn who_has_a_name_is_counted_by_it_and_who_sits_here_is_not() {
        let clock = FakeRelativeClock::default();
        let strict = rates(&clock, true);
        let rates = rates(&clock, false);
        assert_eq!(rates.whose(&from("127.0.0.1"), false), None);
        assert_eq!(
            strict.whose(&from("127.0.0.1"), false),
            Some(Counted::Address("127.0.0.1".parse().unwrap()))
        );
        assert_eq!(rates.take(None), Ruling::Free);
        let stranger = rates.whose(&from("127.0.0.1"), true);
        assert_eq!(
            stranger,
            Some(Counted::Address("127.0.0.1".parse().unwrap())),
            "keys are not guessed from here"
        );
        let mut request = from("127.0.0.1");
        request.insert(Principal::local());
        assert_eq!(rates.whose(&request, false), None);
        let mut identity = Principal::trusted("robot", PrincipalKind::Service).identity().clone();
        identity.reach = Reach::Environments([].into());
        request.insert(Principal::of(Arc::new(identity)));
        assert_eq!(rates.whose(&request, false), Some(Counted::Name("robot".into())));
    }

    #[test]
    fn a_rate_of_nothing_counts_nobody() {
        let settings = RateSettings { requests_per_second: 0, this_machine: true, ..RateSettings::default() };
        let rates = Rates::new(&settings);
        assert_eq!(rates.whose(&from("192.0.2.1"), false), None);
        assert_eq!(rates.take(Some(&Counted::Unknown)), Ruling::Free);
    }
}

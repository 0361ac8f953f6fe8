//! Doors: the keys with which callers prove who they are.
//!
//! All of them are in memory, so that asking for one costs no read, and one that is revoked is good for nothing from that
//! moment on. What proves a key is not here: the engine keeps a digest, and whoever brings a key compares it.
//! When a key was last used is written now and then, not at each request.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use jiff::Timestamp;
use orgata_model::KeyId;
use orgata_model::text::is_longer;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::guard::{Place, Subject};
use super::rules;
use crate::engine::Engine;
use crate::error::{EngineError, Thing};
use crate::host::Host;
use crate::ports::KeyRecord;
use crate::principal::{Identity, Principal, PrincipalKind, Proof};

/// Most keys, revoked ones among them.
const MOST: usize = 10_000;
/// How much later than it happened it may be written that a key was used, in microseconds.
const WRITTEN_EVERY: i64 = 5 * 60 * 1_000_000;
/// Longest name of a principal, in characters.
const MAX_NAME: usize = 100;

/// Every key, by its id.
#[derive(Default)]
pub(crate) struct Keys(RwLock<HashMap<KeyId, Arc<Kept>>>);

struct Kept {
    record: KeyRecord,
    /// When it was last used, in microseconds; before the first time 0.
    used: AtomicI64,
    /// The same, as far as the store knows.
    written: AtomicI64,
    /// Set when it is revoked: connections that it opened are closed.
    revoked: CancellationToken,
}

impl From<KeyRecord> for Kept {
    fn from(record: KeyRecord) -> Self {
        let used = record.last_used_at.map_or(0, Timestamp::as_microsecond);
        let revoked = CancellationToken::new();
        if record.revoked_at.is_some() {
            revoked.cancel();
        }
        Self { record, used: AtomicI64::new(used), written: AtomicI64::new(used), revoked }
    }
}

impl Kept {
    fn is_good(&self, now: Timestamp) -> bool {
        self.record.revoked_at.is_none() && self.record.expires_at.is_none_or(|end| now < end)
    }

    /// What is known of it now.
    fn told(&self) -> KeyRecord {
        let used = self.used.load(Ordering::Relaxed);
        let last_used_at = Some(used).filter(|used| *used > 0);
        let last_used_at = last_used_at.and_then(|used| Timestamp::from_microsecond(used).ok());
        KeyRecord { last_used_at, ..self.record.clone() }
    }

    /// Remembers that it was used, and tells whether that is to be written.
    fn use_now(&self, now: i64) -> bool {
        self.used.fetch_max(now, Ordering::Relaxed);
        let written = self.written.load(Ordering::Relaxed);
        let is_due = now - written >= WRITTEN_EVERY;
        // One of those that use it at the same moment writes.
        is_due && self.written.compare_exchange(written, now, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }
}

impl Keys {
    fn get(&self, id: KeyId) -> Option<Arc<Kept>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(&id).cloned()
    }

    fn put(&self, record: KeyRecord) {
        let mut keys = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let is_revoked = record.revoked_at.is_some();
        let before = keys.insert(record.id, Arc::new(Kept::from(record)));
        if let Some(before) = before.filter(|_| is_revoked) {
            before.revoked.cancel();
        }
    }

    /// What tells that a key is revoked, and when it expires.
    pub(super) fn end(&self, id: KeyId) -> Option<(CancellationToken, Option<Timestamp>)> {
        let kept = self.get(id)?;
        Some((kept.revoked.clone(), kept.record.expires_at))
    }

    fn len(&self) -> usize {
        self.0.read().unwrap_or_else(PoisonError::into_inner).len()
    }
}

/// Reads the keys that there are.
pub(crate) async fn recall(host: &Host) -> Result<(), EngineError> {
    for record in host.store.keys().await? {
        host.keys.put(record);
    }
    Ok(())
}

/// A key that is to be made.
#[derive(Debug, Clone)]
pub struct NewKey {
    /// The digest of its secret part.
    pub hash: [u8; 32],
    /// Who it proves its holder to be.
    pub identity: Identity,
    /// From when on it is no longer good.
    pub expires_at: Option<Timestamp>,
}

impl Engine {
    /// Makes a key, which may do no more than whoever makes it.
    pub async fn create_key(&self, who: &Principal, new: NewKey) -> Result<KeyRecord, EngineError> {
        let name = Arc::clone(&new.identity.name);
        let subject = Subject { thing: Thing::Key, name: &name };
        self.0.guarded(who, &rules::CREATE_KEY, Place::Host, subject, self.made(who, new)).await
    }

    async fn made(&self, who: &Principal, new: NewKey) -> Result<KeyRecord, EngineError> {
        let host = &self.0;
        check_name(&new.identity.name)?;
        if let Some(more) = exceeds(who, &new.identity) {
            return Err(EngineError::NotAllowed(format!("a key may do no more than who makes it: {more}")));
        }
        let now = host.clock.now();
        if new.expires_at.is_some_and(|end| end <= now) {
            return Err(EngineError::BadRequest("the key would have expired already".to_owned()));
        }
        let _one_at_a_time = host.changing.lock().await;
        if host.keys.len() >= MOST {
            return Err(EngineError::Refusal(format!("there are {MOST} keys, as many as may be")));
        }
        let record = KeyRecord {
            id: KeyId::new(host.clock.fresh_id()),
            hash: new.hash,
            identity: Arc::new(new.identity),
            created_at: now,
            created_by: who.name().to_owned(),
            expires_at: new.expires_at,
            revoked_at: None,
            last_used_at: None,
        };
        host.store.put_key(&record).await?;
        host.keys.put(record.clone());
        info!(key = %record.id, name = %record.identity.name, by = who.name(), "key made");
        Ok(record)
    }

    /// Every key, the oldest first; those that were revoked or have expired among them.
    pub fn list_keys(&self, who: &Principal) -> Result<Vec<KeyRecord>, EngineError> {
        self.0.permit(who, &rules::KEYS, Place::Host, Subject { thing: Thing::Key, name: "*" })?;
        let keys = self.0.keys.0.read().unwrap_or_else(PoisonError::into_inner);
        let mut told: Vec<_> = keys.values().map(|kept| kept.told()).collect();
        told.sort_by_key(|record| (record.created_at, record.id));
        Ok(told)
    }

    /// Revokes a key: from now on it proves nothing. One that was revoked before stays so.
    pub async fn revoke_key(&self, who: &Principal, id: KeyId) -> Result<KeyRecord, EngineError> {
        let work = async {
            let _one_at_a_time = self.0.changing.lock().await;
            let kept = self.0.keys.get(id).ok_or_else(|| EngineError::not_found(Thing::Key, id))?;
            let mut record = kept.told();
            if record.revoked_at.is_none() {
                record.revoked_at = Some(self.0.clock.now());
                self.0.store.put_key(&record).await?;
                self.0.keys.put(record.clone());
                info!(key = %id, name = %record.identity.name, by = who.name(), "key revoked");
            }
            Ok(record)
        };
        let name = id.to_string();
        let subject = Subject { thing: Thing::Key, name: &name };
        self.0.guarded(who, &rules::REVOKE_KEY, Place::Host, subject, work).await
    }

    /// Whoever holds this key, if it is good now and `proves` says of the digest that is kept that it was brought.
    pub fn holder(&self, id: KeyId, proves: impl FnOnce(&[u8; 32]) -> bool) -> Option<Principal> {
        let kept = self.0.keys.get(id)?;
        // The proof comes first: how long an answer takes says nothing of a key to those who do not hold it.
        let proved = proves(&kept.record.hash);
        let now = self.0.clock.now();
        if !proved || !kept.is_good(now) {
            return None;
        }
        if kept.use_now(now.as_microsecond()) {
            let host = Arc::clone(&self.0);
            tokio::spawn(async move {
                if let Err(error) = host.store.touch_key(id, now).await {
                    warn!(key = %id, %error, "that a key was used cannot be written; it is at the next occasion");
                }
            });
        }
        Some(Principal::of(Arc::clone(&kept.record.identity)).proved_by(Proof::Key(id)))
    }
}

impl Host {
    /// Whether what somebody proved itself with is still good: a connection may have lasted longer.
    pub(crate) fn believes(&self, who: &Principal) -> bool {
        match who.proof() {
            None => true,
            Some(Proof::Key(id)) => self.keys.get(id).is_some_and(|kept| kept.is_good(self.clock.now())),
            Some(Proof::Until(end)) => self.clock.now() < end,
        }
    }
}

/// Names stand in events, logs and records: one line, and not long.
fn check_name(name: &str) -> Result<(), EngineError> {
    if Identity::is_name(name) {
        return Ok(());
    }
    Err(EngineError::BadRequest(format!(
        "a name has 1 to {MAX_NAME} characters, and neither line breaks nor other control characters"
    )))
}

impl Identity {
    /// Whether a text can be somebody's name.
    pub fn is_name(name: &str) -> bool {
        !name.trim().is_empty() && !is_longer(name, MAX_NAME) && !name.chars().any(char::is_control)
    }
}

/// What somebody might do with such a key that they may not do themselves.
fn exceeds(who: &Principal, new: &Identity) -> Option<String> {
    let own = who.identity();
    if !own.reach.includes(&new.reach) {
        return Some(format!("{} may not be wherever it could be", who.name()));
    }
    if let Some(role) = new.roles.iter().find(|role| !who.holds(role)) {
        return Some(format!("{} does not hold role `{role}`", who.name()));
    }
    if own.scopes.is_some() {
        let Some(scopes) = &new.scopes else {
            return Some(format!("{} has scopes, so a key of its making has some too", who.name()));
        };
        if let Some(scope) = scopes.iter().find(|scope| !own.covers(scope.resource, scope.access)) {
            return Some(format!("{} has not scope {scope}", who.name()));
        }
    }
    // A program that could make itself a person would answer what people alone may answer.
    let is_own_kind = match own.kind {
        PrincipalKind::User => true,
        PrincipalKind::Service => new.kind != PrincipalKind::User,
        PrincipalKind::Assistant => new.kind == PrincipalKind::Assistant,
    };
    (!is_own_kind).then(|| format!("{} is no {}", who.name(), new.kind.as_str()))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use orgata_model::runtime::Environment;

    use super::*;
    use crate::principal::Reach;

    fn identity(
        kind: PrincipalKind,
        environments: &[Environment],
        roles: &[&str],
        scopes: Option<&[&str]>,
    ) -> Identity {
        Identity {
            name: "ann".into(),
            kind,
            reach: Reach::Environments(environments.iter().copied().collect()),
            roles: roles.iter().map(|role| role.parse().unwrap()).collect(),
            scopes: scopes
                .map(|scopes| scopes.iter().map(|scope| scope.parse().unwrap()).collect::<BTreeSet<_>>()),
        }
    }

    #[test]
    fn a_key_may_do_no_more_than_who_makes_it() {
        use Environment::{Development, Production};
        use PrincipalKind::{Assistant, Service, User};
        let maker = |kind, scopes| Principal::of(Arc::new(identity(kind, &[Development], &["cook"], scopes)));
        let ann = maker(User, None);
        assert_eq!(exceeds(&ann, &identity(Assistant, &[Development], &["cook"], None)), None);
        assert_eq!(exceeds(&ann, &identity(User, &[], &[], Some(&["key:admin"]))), None);
        assert!(exceeds(&ann, &identity(User, &[Production], &[], None)).is_some());
        assert!(exceeds(&ann, &identity(User, &[Development], &["boss"], None)).is_some());
        assert!(
            exceeds(&ann, &Identity { reach: Reach::Everything, ..identity(User, &[], &[], None) }).is_some()
        );

        let narrow = maker(User, Some(&["key:admin", "execution:write"]));
        assert_eq!(exceeds(&narrow, &identity(User, &[Development], &[], Some(&["execution:read"]))), None);
        assert!(exceeds(&narrow, &identity(User, &[Development], &[], Some(&["execution:admin"]))).is_some());
        assert!(exceeds(&narrow, &identity(User, &[Development], &[], None)).is_some());

        assert!(exceeds(&maker(Service, None), &identity(User, &[], &[], None)).is_some());
        assert!(exceeds(&maker(Assistant, None), &identity(Service, &[], &[], None)).is_some());
        assert_eq!(exceeds(&maker(Assistant, None), &identity(Assistant, &[], &[], None)), None);
        assert_eq!(exceeds(&Principal::local(), &identity(User, &[Production], &["boss"], None)), None);
    }

    #[test]
    fn that_a_key_is_used_is_written_now_and_then() {
        let kept = Kept::from(record());
        let begin = 1_000 * WRITTEN_EVERY;
        assert!(kept.use_now(begin));
        assert!(!kept.use_now(begin + 1) && !kept.use_now(begin + WRITTEN_EVERY - 1));
        assert_eq!(kept.told().last_used_at.unwrap().as_microsecond(), begin + WRITTEN_EVERY - 1);
        assert!(kept.use_now(begin + WRITTEN_EVERY));
    }

    #[test]
    fn names_are_one_line_and_not_long() {
        for good in ["ann", "ann@example.com", "Ann B. Østergård"] {
            assert!(Identity::is_name(good), "{good}");
        }
        for bad in ["", " ", "a\nb", "a\u{7}", &"x".repeat(101)] {
            assert!(!Identity::is_name(bad), "{bad:?}");
        }
    }

    fn record() -> KeyRecord {
        KeyRecord {
            id: KeyId::new(uuid::Uuid::nil()),
            hash: [0; 32],
            identity: Arc::new(identity(PrincipalKind::User, &[], &[], None)),
            created_at: Timestamp::UNIX_EPOCH,
            created_by: "ann".to_owned(),
            expires_at: None,
            revoked_at: None,
            last_used_at: None,
        }
    }
}

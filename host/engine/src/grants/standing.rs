//! Where one plugin stands in one runtime: which versions may reach what the runtime grants, as a value.
//!
//! What is granted is the operator's to say, in the runtime; here is which versions of the plugin get it. A version that wants
//! nothing more than the one before is confirmed by itself. One that wants more is *pending* until somebody confirms it, and
//! the runtime goes on with the version before. A revocation takes all of it, until somebody confirms anew.
//!
//! Nothing here reads a clock, a store or a catalog: `grants` does.

use std::collections::BTreeSet;

use jiff::Timestamp;
use orgata_model::operation::Plugin;
use orgata_model::{Digest, PluginName, RuntimeId};
use serde::{Deserialize, Serialize};

use crate::wants::Want;

/// Confirmed versions that are remembered; the earliest are forgotten first.
const REMEMBERED: usize = 200;

/// Who confirms what nobody needs to look at.
pub const BY_ITSELF: &str = "host";

/// Where one plugin stands in one runtime. Stores keep it as JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Standing {
    /// The runtime.
    pub runtime: RuntimeId,
    /// The plugin.
    pub plugin: PluginName,
    /// Versions that were confirmed, the latest last: that is the one which new executions get.
    #[serde(default)]
    pub confirmed: Vec<Confirmed>,
    /// The version that waits for somebody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pending: Option<Pending>,
    /// Somebody took what was granted, and nobody gave it back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked: Option<Revocation>,
}

/// A version that may reach what its runtime grants.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Confirmed {
    /// Which.
    pub digest: Digest,
    /// Its version text.
    pub version: String,
    /// What it wants.
    pub wants: BTreeSet<Want>,
    /// When it was confirmed.
    pub at: Timestamp,
    /// By whom; `host` when it wanted nothing new, or was the first.
    pub by: String,
}

/// A version that waits to be confirmed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Pending {
    /// Which.
    pub digest: Digest,
    /// Its version text.
    pub version: String,
    /// What it wants.
    pub wants: BTreeSet<Want>,
    /// Since when.
    pub since: Timestamp,
}

/// What was granted was taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Revocation {
    /// When.
    pub at: Timestamp,
    /// By whom.
    pub by: String,
    /// Why.
    pub reason: String,
}

/// What seeing a version has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Seen {
    /// Nothing.
    Same,
    /// It is confirmed now.
    Confirmed,
    /// It waits.
    Pending,
}

impl Standing {
    /// Of a plugin that was never seen there.
    pub fn new(runtime: RuntimeId, plugin: PluginName) -> Self {
        Self { runtime, plugin, confirmed: Vec::new(), pending: None, revoked: None }
    }

    /// The version that was confirmed last.
    pub fn latest(&self) -> Option<&Confirmed> {
        self.confirmed.last()
    }

    /// What a version wants, and the one that was confirmed last does not.
    pub fn beyond(&self, wants: &BTreeSet<Want>) -> BTreeSet<Want> {
        match self.latest() {
            Some(latest) => wants.difference(&latest.wants).copied().collect(),
            None => wants.clone(),
        }
    }

    /// Whether a version may reach what the runtime grants.
    pub fn allows(&self, plugin: &Plugin) -> bool {
        // Asked at every call: what is known is told without reading its imports.
        self.knows(plugin.digest) || self.allows_these(&wants(plugin))
    }

    fn knows(&self, digest: Digest) -> bool {
        self.revoked.is_none() && self.confirmed.iter().rev().any(|known| known.digest == digest)
    }

    /// The same for a version that is not known.
    fn allows_these(&self, wants: &BTreeSet<Want>) -> bool {
        // What wants nothing can be taken nothing.
        wants.is_empty()
            || self.revoked.is_none() && self.latest().is_some_and(|latest| wants.is_subset(&latest.wants))
    }

    /// Why a version may not, and what to do.
    pub fn why_not(&self, plugin: &Plugin) -> String {
        let (runtime, name) = (&self.runtime, &self.plugin);
        let remedy = format!("confirm it with `orgata plugin confirm {name} --runtime {runtime}`");
        if let Some(Revocation { by, reason, .. }) = &self.revoked {
            return format!(
                "what plugin `{name}` was granted in runtime `{runtime}` was revoked by {by} ({reason}): {remedy}"
            );
        }
        let more = words(&self.beyond(&wants(plugin)));
        let before = self.latest().map_or("none", |latest| &latest.version);
        let version = &plugin.version;
        format!(
            "version {version} of plugin `{name}` wants {more}, and version {before}, which is confirmed in runtime \
             `{runtime}`, does not: {remedy}"
        )
    }

    /// What comes of confirming a version, as the audit tells it.
    pub(crate) fn gained(&self, plugin: &Plugin) -> String {
        let (wants, version) = (wants(plugin), &plugin.version);
        match (&self.revoked, self.latest()) {
            (Some(Revocation { by, reason, .. }), _) => {
                format!("version {version} wants {}; it had been revoked by {by} ({reason})", words(&wants))
            }
            (None, Some(latest)) => {
                let more = words(&self.beyond(&wants));
                format!("version {version} wants {more} more than version {}", latest.version)
            }
            (None, None) => format!("version {version} wants {}", words(&wants)),
        }
    }

    /// A version is the current one of the host.
    pub(crate) fn see(&mut self, plugin: &Plugin, now: Timestamp) -> Seen {
        let wants = wants(plugin);
        let first = self.confirmed.is_empty() && self.revoked.is_none();
        if first || self.knows(plugin.digest) || self.allows_these(&wants) {
            if self.pending.is_none() && self.latest().is_some_and(|known| known.digest == plugin.digest) {
                return Seen::Same;
            }
            self.keep(plugin, wants, now, BY_ITSELF);
            return Seen::Confirmed;
        }
        if self.pending.as_ref().is_some_and(|pending| pending.digest == plugin.digest) {
            return Seen::Same;
        }
        let (digest, version) = (plugin.digest, plugin.version.clone());
        self.pending = Some(Pending { digest, version, wants, since: now });
        Seen::Pending
    }

    /// Somebody confirms a version: it may reach what the runtime grants.
    pub(crate) fn confirm(&mut self, plugin: &Plugin, now: Timestamp, by: &str) {
        self.revoked = None;
        self.keep(plugin, wants(plugin), now, by);
    }

    /// Somebody takes what was granted, from every version.
    pub(crate) fn revoke(&mut self, revocation: Revocation) {
        self.confirmed.clear();
        self.pending = None;
        self.revoked = Some(revocation);
    }

    fn keep(&mut self, plugin: &Plugin, wants: BTreeSet<Want>, at: Timestamp, by: &str) {
        // Going back to a version that somebody confirmed does not make it confirmed by somebody else.
        let known = self.confirmed.iter().position(|known| known.digest == plugin.digest);
        let known = known.map(|at| self.confirmed.remove(at)).filter(|_| by == BY_ITSELF);
        let (digest, version) = (plugin.digest, plugin.version.clone());
        let fresh = || Confirmed { digest, version, wants, at, by: by.to_owned() };
        self.confirmed.push(known.unwrap_or_else(fresh));
        let over = self.confirmed.len().saturating_sub(REMEMBERED);
        self.confirmed.drain(..over);
        self.pending = None;
    }
}

/// What a version wants.
pub(crate) fn wants(plugin: &Plugin) -> BTreeSet<Want> {
    Want::of(plugin).into_iter().collect()
}

/// As people read them.
fn words(wants: &BTreeSet<Want>) -> String {
    if wants.is_empty() {
        return "nothing".to_owned();
    }
    let words: Vec<_> = wants.iter().map(|want| want.word()).collect();
    words.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use orgata_model::operation::EffectClass;

    fn plugin(version: &str, imports: &[&str]) -> Plugin {
        Plugin {
            digest: Digest::of(version.as_bytes()),
            name: "words".parse().unwrap(),
            version: version.to_owned(),
            description: String::new(),
            effect: EffectClass::Effectful,
            imports: imports.iter().map(|&import| import.to_owned()).collect(),
            size: 0,
            compile_ms: None,
            signers: Vec::new(),
            operations: Vec::new(),
        }
    }

    fn standing() -> Standing {
        Standing::new("shop".parse().unwrap(), "words".parse().unwrap())
    }

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;
    const KV: &str = "orgata:plugin/kv@1.0.0";
    const HTTP: &str = "wasi:http/outgoing-handler@0.2.4";

    fn revocation() -> Revocation {
        Revocation { at: NOW, by: "ann".to_owned(), reason: "odd".to_owned() }
    }

    #[test]
    fn the_first_version_and_those_that_want_nothing_more_are_confirmed_by_themselves() {
        let mut standing = standing();
        let (one, two) = (plugin("1", &[KV]), plugin("2", &[KV]));
        assert_eq!(standing.see(&one, NOW), Seen::Confirmed);
        assert_eq!(standing.see(&one, NOW), Seen::Same);
        assert_eq!(standing.see(&two, NOW), Seen::Confirmed);
        assert!(standing.allows(&one) && standing.allows(&two));
    }

    #[test]
    fn a_version_that_wants_more_waits_and_the_one_before_goes_on() {
        let mut standing = standing();
        let (one, two) = (plugin("1", &[KV]), plugin("2", &[KV, HTTP]));
        standing.see(&one, NOW);
        assert_eq!(standing.see(&two, NOW), Seen::Pending);
        assert_eq!(standing.see(&two, NOW), Seen::Same);
        assert!(standing.allows(&one) && !standing.allows(&two));
        assert_eq!(standing.latest().unwrap().digest, one.digest);
        assert_eq!(standing.beyond(&wants(&two)), BTreeSet::from([Want::Network]));

        standing.confirm(&two, NOW, "ann");
        assert!(standing.allows(&one) && standing.allows(&two) && standing.pending.is_none());
        assert_eq!(standing.latest().unwrap().by, "ann");
    }

    #[test]
    fn going_back_to_a_confirmed_version_takes_nobody_and_forgets_nobody() {
        let mut standing = standing();
        let (one, two) = (plugin("1", &[KV]), plugin("2", &[KV, HTTP]));
        standing.see(&one, NOW);
        standing.confirm(&two, NOW, "ann");
        assert_eq!(standing.see(&one, NOW), Seen::Confirmed);
        assert_eq!(standing.see(&two, NOW), Seen::Confirmed);
        assert_eq!(standing.latest().unwrap().by, "ann");
    }

    #[test]
    fn a_version_that_wanted_less_makes_the_next_want_more() {
        let mut standing = standing();
        let (one, none, three) = (plugin("1", &[KV]), plugin("2", &[]), plugin("3", &[KV]));
        standing.see(&one, NOW);
        standing.see(&none, NOW);
        assert_eq!(standing.see(&three, NOW), Seen::Pending);
        assert!(standing.allows(&one), "what runs on it keeps what was confirmed");
    }

    #[test]
    fn a_revocation_takes_all_but_what_wants_nothing_until_somebody_confirms() {
        let mut standing = standing();
        let (one, two, none) = (plugin("1", &[KV]), plugin("2", &[KV]), plugin("3", &[]));
        standing.see(&one, NOW);
        standing.revoke(revocation());
        assert!(!standing.allows(&one) && !standing.allows(&two) && standing.allows(&none));
        assert_eq!(standing.see(&two, NOW), Seen::Pending);
        assert_eq!(standing.see(&none, NOW), Seen::Confirmed);
        assert_eq!(standing.see(&two, NOW), Seen::Pending, "what wants nothing gives nothing back");
        standing.confirm(&two, NOW, "bob");
        assert!(standing.allows(&one) && standing.allows(&two) && standing.revoked.is_none());
    }

    #[test]
    fn what_is_kept_reads_back() {
        let mut standing = standing();
        standing.see(&plugin("1", &[KV]), NOW);
        standing.see(&plugin("2", &[HTTP]), NOW);
        let text = serde_json::to_string(&standing).unwrap();
        assert_eq!(serde_json::from_str::<Standing>(&text).unwrap(), standing);
    }
}

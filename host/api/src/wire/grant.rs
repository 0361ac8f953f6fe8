//! What plugins may reach in a runtime, as clients see it.

use jiff::Timestamp;
use orgata_engine::Want;
use orgata_engine::grants::{Confirmed, PendingVersion, PluginGrants, Revocation, Use};
use orgata_model::{Digest, PluginName};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::runtime::GrantsBody;

/// One plugin in one runtime: what it wants, gets and does.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PluginGrantsView {
    /// The plugin.
    #[schema(value_type = String)]
    pub plugin: PluginName,
    /// What the version that new executions get wants, by its imports: `network`, `secrets`, `kv`, `model`.
    pub wanted: Vec<&'static str>,
    /// What it may reach now. Nothing, where it was revoked.
    pub granted: GrantsBody,
    /// What it really reached since the host started.
    pub used: Vec<UseView>,
    /// The version that new executions get.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confirmed: Option<ConfirmedView>,
    /// The version that waits until somebody confirms it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pending: Option<WaitingVersionView>,
    /// Somebody took what was granted: nothing gets it until a version is confirmed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revoked: Option<RevocationView>,
}

/// Something that a plugin reached.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct UseView {
    /// `network`, `secrets`, `kv` or `model`.
    pub kind: &'static str,
    /// The server, the secret; `(others)` where there were too many to count apart.
    #[schema(example = "api.example.com:443")]
    pub name: String,
    /// How often.
    pub count: u64,
    /// When last.
    #[schema(value_type = String, format = DateTime)]
    pub last_at: Timestamp,
}

/// A version that may reach what its runtime grants.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ConfirmedView {
    /// Its own version text.
    pub version: String,
    /// What it is known by.
    #[schema(value_type = String)]
    pub digest: Digest,
    /// Since when.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// By whom; `host` when it was the first, or wanted nothing new.
    pub by: String,
}

/// A version that waits.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct WaitingVersionView {
    /// Its own version text.
    pub version: String,
    /// What it is known by.
    #[schema(value_type = String)]
    pub digest: Digest,
    /// What it wants.
    pub wanted: Vec<&'static str>,
    /// What it wants, and the confirmed version does not.
    pub more: Vec<&'static str>,
    /// Since when it waits.
    #[schema(value_type = String, format = DateTime)]
    pub since: Timestamp,
}

/// What was granted was taken.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RevocationView {
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// By whom.
    pub by: String,
    /// Why.
    pub reason: String,
}

fn words<'w>(wants: impl IntoIterator<Item = &'w Want>) -> Vec<&'static str> {
    wants.into_iter().map(|want| want.word()).collect()
}

impl From<PluginGrants> for PluginGrantsView {
    fn from(grants: PluginGrants) -> Self {
        Self {
            plugin: grants.plugin,
            wanted: words(&grants.wanted),
            granted: grants.granted.into(),
            used: grants.used.into_iter().map(UseView::from).collect(),
            confirmed: grants.confirmed.map(ConfirmedView::from),
            pending: grants.pending.map(WaitingVersionView::from),
            revoked: grants.revoked.map(RevocationView::from),
        }
    }
}

impl From<Use> for UseView {
    fn from(Use { kind, name, count, last }: Use) -> Self {
        Self { kind: kind.word(), name, count, last_at: last }
    }
}

impl From<Confirmed> for ConfirmedView {
    fn from(Confirmed { digest, version, at, by, .. }: Confirmed) -> Self {
        Self { version, digest, at, by }
    }
}

impl From<PendingVersion> for WaitingVersionView {
    fn from(PendingVersion { version, more }: PendingVersion) -> Self {
        let wanted = words(&version.wants);
        Self {
            version: version.version,
            digest: version.digest,
            wanted,
            more: words(&more),
            since: version.since,
        }
    }
}

impl From<Revocation> for RevocationView {
    fn from(Revocation { at, by, reason }: Revocation) -> Self {
        Self { at, by, reason }
    }
}

/// Which version is confirmed.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConfirmBody {
    /// The version that was looked at: should another one be current by now, nothing is confirmed. Absent: the current one.
    #[schema(value_type = Option<String>)]
    pub digest: Option<Digest>,
}

/// Why what was granted is taken.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RevokeBody {
    /// For people; it is told to whoever is denied.
    #[schema(min_length = 1, max_length = 500)]
    pub reason: String,
}

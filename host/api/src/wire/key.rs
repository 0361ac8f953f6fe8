//! Keys and tickets as clients see them.

use std::collections::BTreeSet;

use jiff::Timestamp;
use orgata_engine::access::NewKey;
use orgata_engine::ports::KeyRecord;
use orgata_engine::{Identity, PrincipalKind, Reach, Scope};
use orgata_model::duration::DurationText;
use orgata_model::runtime::Environment;
use orgata_model::{KeyId, RoleName};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::runtime::EnvironmentView;
use crate::error::ApiError;

/// A key, without what proves it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct KeyView {
    /// What it is known by.
    #[schema(value_type = String)]
    pub key_id: KeyId,
    /// The name of whoever holds it.
    pub name: String,
    /// What kind of being that is.
    #[schema(value_type = PrincipalKindView)]
    pub kind: &'static str,
    /// It may do everything, everywhere.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[schema(required = false)]
    pub everything: bool,
    /// The environments that it may enter.
    #[schema(value_type = Vec<EnvironmentView>)]
    pub environments: Vec<&'static str>,
    /// The roles that it holds.
    #[schema(value_type = Vec<String>)]
    pub roles: BTreeSet<RoleName>,
    /// What it is good for, such as `execution:read`; absent: for all that its holder may do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scopes: Option<Vec<String>>,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// By whom.
    pub created_by: String,
    /// From when on it is no longer good.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub expires_at: Option<Timestamp>,
    /// When it was revoked.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub revoked_at: Option<Timestamp>,
    /// When it was last used.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub last_used_at: Option<Timestamp>,
}

impl From<&KeyRecord> for KeyView {
    fn from(record: &KeyRecord) -> Self {
        let identity = &record.identity;
        let (everything, environments) = match &identity.reach {
            Reach::Everything => (true, Vec::new()),
            Reach::Environments(some) => (false, some.iter().map(|it| it.as_str()).collect()),
        };
        let scopes = identity.scopes.as_ref();
        Self {
            key_id: record.id,
            name: identity.name.to_string(),
            kind: identity.kind.as_str(),
            everything,
            environments,
            roles: identity.roles.clone(),
            scopes: scopes.map(|scopes| scopes.iter().map(ToString::to_string).collect()),
            created_at: record.created_at,
            created_by: record.created_by.clone(),
            expires_at: record.expires_at,
            revoked_at: record.revoked_at,
            last_used_at: record.last_used_at,
        }
    }
}

/// A key that was just made, with what proves it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MadeKeyView {
    /// The key itself, to be sent as `Authorization: Bearer …`. It is shown this once.
    pub key: String,
    /// What there is to know of it.
    #[serde(flatten)]
    pub about: KeyView,
}

/// What kind of being a principal is.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PrincipalKindView {
    /// A person.
    User,
    /// A program.
    Service,
    /// An AI assistant.
    Assistant,
}

impl From<PrincipalKindView> for PrincipalKind {
    fn from(kind: PrincipalKindView) -> Self {
        match kind {
            PrincipalKindView::User => Self::User,
            PrincipalKindView::Service => Self::Service,
            PrincipalKindView::Assistant => Self::Assistant,
        }
    }
}

/// A key to make.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({
    "name": "night-shift", "kind": "service", "environments": ["production"], "scopes": ["execution:write"]
}))]
pub struct CreateKeyBody {
    /// The name of whoever holds it, as events and records show it.
    #[schema(min_length = 1, max_length = 100)]
    pub name: String,
    /// What kind of being that is.
    pub kind: PrincipalKindView,
    /// It may do everything, everywhere; then it needs no environments and no roles.
    #[serde(default)]
    #[schema(required = false)]
    pub everything: bool,
    /// The environments that it may enter.
    #[serde(default)]
    #[schema(value_type = Vec<EnvironmentView>, required = false)]
    pub environments: BTreeSet<Environment>,
    /// The roles that it holds.
    #[serde(default)]
    #[schema(value_type = Vec<String>, required = false)]
    pub roles: BTreeSet<RoleName>,
    /// What it is good for, such as `execution:read`; absent: for all that its holder may do.
    #[schema(value_type = Option<Vec<String>>)]
    pub scopes: Option<BTreeSet<Scope>>,
    /// How long it is good, such as `90d`; absent: until it is revoked.
    #[schema(value_type = Option<String>)]
    pub expires_in: Option<DurationText>,
}

impl CreateKeyBody {
    /// What is asked of the engine.
    pub(crate) fn new_key(self, hash: [u8; 32], now: Timestamp) -> Result<NewKey, ApiError> {
        let reach = match self.everything {
            true if self.environments.is_empty() => Reach::Everything,
            true => return Err(ApiError::bad_request("say either everything or environments")),
            false => Reach::Environments(self.environments),
        };
        let far = |_| ApiError::bad_request("expiresIn is too long");
        let expires_at = self.expires_in.map(|it| now.checked_add(it.0).map_err(far)).transpose()?;
        let (name, kind) = (self.name.into(), self.kind.into());
        let identity = Identity { name, kind, reach, roles: self.roles, scopes: self.scopes };
        Ok(NewKey { hash, identity, expires_at })
    }
}

/// A ticket for a WebSocket.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TicketView {
    /// To be named in the URL: `/api/v1/ws?ticket=…`.
    pub ticket: String,
    /// How long it is good.
    pub expires_in_seconds: u64,
}

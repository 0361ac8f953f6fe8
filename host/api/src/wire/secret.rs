//! Secrets as clients see them: everything but the value.

use jiff::Timestamp;
use orgata_engine::{Rotation, SecretInfo};
use orgata_model::SecretName;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What is known of a secret.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SecretView {
    /// Its name.
    #[schema(value_type = String, example = "TWILIO_TOKEN")]
    pub name: SecretName,
    /// When its value was set.
    #[schema(value_type = String, format = DateTime)]
    pub set_at: Timestamp,
    /// Who set it.
    pub set_by: String,
    /// The id of the key that it is sealed with.
    pub key_id: String,
}

impl From<&SecretInfo> for SecretView {
    fn from(info: &SecretInfo) -> Self {
        Self {
            name: info.name.clone(),
            set_at: info.set_at,
            set_by: info.set_by.clone(),
            key_id: info.key.clone(),
        }
    }
}

/// A value to be kept. No answer ever has it.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "only its schema is used: a mistake in reading it would be told with the value")]
pub struct SecretBody {
    /// 1 to 65536 bytes.
    #[schema(min_length = 1, max_length = 65536)]
    pub value: String,
}

/// What came of sealing all secrets anew.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RotationView {
    /// How many were sealed with another key before.
    pub resealed: usize,
    /// The id of the key that all are sealed with now.
    pub key_id: String,
}

impl From<Rotation> for RotationView {
    fn from(Rotation { resealed, key }: Rotation) -> Self {
        Self { resealed, key_id: key }
    }
}

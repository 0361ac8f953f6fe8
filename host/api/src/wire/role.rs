//! Roles as clients see them.

use orgata_engine::RoleCapabilities;
use orgata_model::{OperationName, PlaybookName, RoleName, StepName};
use serde::Serialize;
use utoipa::ToSchema;

/// What a role does in a runtime.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RoleView {
    /// Its name.
    #[schema(value_type = String)]
    pub name: RoleName,
    /// For people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Operations that its steps run.
    #[schema(value_type = Vec<String>)]
    pub operations: Vec<OperationName>,
    /// Questions that it answers.
    pub interventions: Vec<RoleQuestion>,
    /// Playbooks that it takes part in.
    #[schema(value_type = Vec<String>)]
    pub playbooks: Vec<PlaybookName>,
}

/// A question that a role answers.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RoleQuestion {
    /// In which playbook.
    #[schema(value_type = String)]
    pub playbook_name: PlaybookName,
    /// At which step.
    #[schema(value_type = String)]
    pub step: StepName,
}

impl From<RoleCapabilities> for RoleView {
    fn from(role: RoleCapabilities) -> Self {
        let question = |(playbook_name, step)| RoleQuestion { playbook_name, step };
        Self {
            name: role.name,
            description: role.description,
            operations: role.operations,
            interventions: role.interventions.into_iter().map(question).collect(),
            playbooks: role.playbooks,
        }
    }
}

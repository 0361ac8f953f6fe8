//! Playbooks as clients see them.

use orgata_model::playbook::{Ask, Playbook, Step, Work};
use orgata_model::{Digest, OperationName, PlaybookName, RoleName, StepName, duration};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// A playbook, in a list.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PlaybookSummary<'a> {
    /// Unique in its runtime.
    #[schema(value_type = String)]
    pub name: &'a PlaybookName,
    /// Free text of its author.
    pub version: &'a str,
    /// Of its source: the identity of this version.
    #[schema(value_type = String)]
    pub digest: Digest,
    /// For people and assistants.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<&'a str>,
    /// The roles that take part.
    #[schema(value_type = Vec<String>)]
    pub roles: &'a [RoleName],
    /// The names of its steps, in order.
    #[schema(value_type = Vec<String>)]
    pub steps: Vec<&'a StepName>,
}

impl<'a> From<&'a Playbook> for PlaybookSummary<'a> {
    fn from(playbook: &'a Playbook) -> Self {
        Self {
            name: &playbook.name,
            version: &playbook.version,
            digest: playbook.digest,
            description: playbook.description.as_deref(),
            roles: &playbook.roles,
            steps: playbook.steps.iter().map(|step| &step.name).collect(),
        }
    }
}

/// A playbook, with everything that it says.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PlaybookDetails<'a> {
    /// Unique in its runtime.
    #[schema(value_type = String)]
    pub name: &'a PlaybookName,
    /// Free text of its author.
    pub version: &'a str,
    /// Of its source: the identity of this version.
    #[schema(value_type = String)]
    pub digest: Digest,
    /// For people and assistants.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<&'a str>,
    /// The roles that take part.
    #[schema(value_type = Vec<String>)]
    pub roles: &'a [RoleName],
    /// JSON Schema of what it takes. Absent: anything.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Value>)]
    pub input_schema: Option<&'a Value>,
    /// How long a whole execution may take.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "1h")]
    pub timeout: Option<String>,
    /// As they are written, each followed by the steps inside of it.
    pub steps: Vec<StepDefinition<'a>>,
    /// The YAML that it was published as.
    pub source: &'a str,
}

impl<'a> From<&'a Playbook> for PlaybookDetails<'a> {
    fn from(playbook: &'a Playbook) -> Self {
        Self {
            name: &playbook.name,
            version: &playbook.version,
            digest: playbook.digest,
            description: playbook.description.as_deref(),
            roles: &playbook.roles,
            input_schema: playbook.input_schema.as_deref(),
            timeout: playbook.timeout.map(duration::format),
            steps: playbook.steps.iter().map(StepDefinition::from).collect(),
            source: &playbook.source,
        }
    }
}

/// A step of a playbook.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct StepDefinition<'a> {
    /// Unique in its playbook.
    #[schema(value_type = String)]
    pub name: &'a StepName,
    /// For people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<&'a str>,
    /// Who performs it, or answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub role: Option<&'a RoleName>,
    /// What it does: `operation`, `intervention`, `playbook`, `wait`, `steps`, `switch`, `set`, `fail`, `mcp` or `agent`.
    pub kind: &'static str,
    /// The operation that it runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub operation: Option<&'a OperationName>,
    /// What it asks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub intervention: Option<QuestionDefinition<'a>>,
    /// The playbook that it runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub playbook: Option<&'a PlaybookName>,
    /// The place in this list of the group or switch that it is inside of, 0 for the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inside_of: Option<usize>,
    /// The places in this list of the steps that end before it begins.
    pub after: Vec<usize>,
    /// It runs once for every element of a list.
    pub for_each: bool,
    /// It is skipped when a condition does not hold.
    pub conditional: bool,
    /// How long one attempt may take.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "5s")]
    pub timeout: Option<String>,
    /// Further attempts after a failed one.
    pub retries: u32,
}

impl<'a> From<&'a Step> for StepDefinition<'a> {
    fn from(step: &'a Step) -> Self {
        let (operation, intervention) = match &step.work {
            Work::Operation { operation, .. } => (Some(operation), None),
            Work::Intervention(ask) => (None, Some(QuestionDefinition::from(&**ask))),
            _ => (None, None),
        };
        let runs = match &step.work {
            Work::Playbook { playbook, .. } => Some(playbook),
            _ => None,
        };
        Self {
            name: &step.name,
            description: step.description.as_deref(),
            role: step.role.as_ref(),
            kind: step.work.kind(),
            operation,
            intervention,
            playbook: runs,
            inside_of: step.place.parent,
            after: step.needs.clone(),
            for_each: step.each.is_some(),
            conditional: step.when.is_some(),
            timeout: step.timeout.map(duration::format),
            retries: step.retries.max,
        }
    }
}

/// What a step of a playbook asks. Its prompt may depend on the execution: the intervention has it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct QuestionDefinition<'a> {
    /// `human_decision`, `approval`, … An open set.
    #[serde(rename = "type")]
    pub kind: &'a str,
    /// Choices to offer. Empty when the answer is free.
    pub options: &'a [String],
    /// JSON Schema that an answer must satisfy: for a form.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Value>)]
    pub response_schema: Option<&'a Value>,
    /// How long it waits for an answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "30m")]
    pub timeout: Option<String>,
}

impl<'a> From<&'a Ask> for QuestionDefinition<'a> {
    fn from(ask: &'a Ask) -> Self {
        Self {
            kind: &ask.kind,
            options: &ask.options,
            response_schema: ask.response_schema.as_deref(),
            timeout: ask.deadline.as_ref().map(|(after, _)| duration::format(*after)),
        }
    }
}

/// What a playbook takes and asks: for forms.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PlaybookSchema<'a> {
    /// The playbook.
    #[schema(value_type = String)]
    pub playbook_name: &'a PlaybookName,
    /// Free text of its author.
    pub version: &'a str,
    /// Of its source: the identity of this version.
    #[schema(value_type = String)]
    pub digest: Digest,
    /// For people and assistants.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<&'a str>,
    /// JSON Schema 2020-12 of what it takes; `{}` when it takes anything.
    #[schema(value_type = Value)]
    pub input_schema: Value,
    /// What its steps ask. Operations may ask more.
    pub interventions: Vec<StepQuestion<'a>>,
}

/// A step and what it asks.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct StepQuestion<'a> {
    /// The step.
    #[schema(value_type = String)]
    pub step: &'a StepName,
    /// Who may answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub assignee_role: Option<&'a RoleName>,
    /// What it asks.
    #[serde(flatten)]
    pub question: QuestionDefinition<'a>,
}

impl<'a> From<&'a Playbook> for PlaybookSchema<'a> {
    fn from(playbook: &'a Playbook) -> Self {
        let asked = playbook.steps.iter().filter_map(|step| match &step.work {
            Work::Intervention(ask) => Some(StepQuestion {
                step: &step.name,
                assignee_role: step.role.as_ref(),
                question: QuestionDefinition::from(&**ask),
            }),
            _ => None,
        });
        let anything = || Value::Object(serde_json::Map::new());
        Self {
            playbook_name: &playbook.name,
            version: &playbook.version,
            digest: playbook.digest,
            description: playbook.description.as_deref(),
            input_schema: playbook.input_schema.as_deref().cloned().unwrap_or_else(anything),
            interventions: asked.collect(),
        }
    }
}

/// A playbook to publish, for clients that speak JSON alone.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PublishBody {
    /// The YAML.
    #[schema(example = "name: hello\nsteps:\n  - name: greet\n    operation: text/greet\n")]
    pub source: String,
}

//! What is to be said of a draft before it is loaded: everything at once, each with what to do.

use std::sync::Arc;

use orgata_model::operation::{EffectClass, Operation, Plugin};
use orgata_model::{Digest, RuntimeId};

use super::change::{VersionChange, VersionName};
use crate::access::{Place, Subject, rules};
use crate::engine::Engine;
use crate::error::{EngineError, Thing};
use crate::host::RuntimeEntry;
use crate::ports::LoadError;
use crate::principal::Principal;
use crate::wants::Want;

/// What is known of a draft.
#[derive(Debug, Clone)]
pub struct Validation {
    /// Which one.
    pub digest: Digest,
    /// What it is; absent where it is refused.
    pub plugin: Option<Arc<Plugin>>,
    /// What it would have to be granted.
    pub wants: Vec<Want>,
    /// What loading it would change; absent where it is refused.
    pub change: Option<VersionChange>,
    /// What is wrong, or worth knowing; the worst first.
    pub findings: Vec<Finding>,
}

impl Validation {
    /// Whether it can be loaded.
    pub fn is_loadable(&self) -> bool {
        !self.findings.iter().any(|finding| finding.severity == Severity::Error)
    }
}

/// Something that is wrong with a draft, or worth knowing.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// A stable word.
    pub code: &'static str,
    /// What it is.
    pub message: String,
    /// What to do.
    pub hint: String,
}

/// How bad something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// It cannot be loaded.
    Error,
    /// It can be loaded, and something will not work, or no longer.
    Warning,
    /// It could be better.
    Note,
}

impl Severity {
    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

impl Finding {
    fn new(
        severity: Severity,
        code: &'static str,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        Self { severity, code, message: message.into(), hint: hint.into() }
    }
}

impl Engine {
    /// Tells what a draft is, what it would change, and everything that is wrong with it. With a runtime, what its playbooks
    /// would still lack is told too.
    pub async fn validate_operation(
        &self,
        who: &Principal,
        digest: Digest,
        runtime: Option<&RuntimeId>,
    ) -> Result<Validation, EngineError> {
        let name = digest.to_string();
        let subject = Subject { thing: Thing::Draft, name: &name };
        let work = self.validated(who, digest, runtime);
        self.0.guarded(who, &rules::VALIDATE_DRAFT, Place::Host, subject, work).await
    }

    async fn validated(
        &self,
        who: &Principal,
        digest: Digest,
        runtime: Option<&RuntimeId>,
    ) -> Result<Validation, EngineError> {
        let component = self.draft(digest)?;
        let entry = runtime.map(|runtime| self.0.enter(who, runtime)).transpose()?;
        let plugin = match self.inspected(who, &component).await {
            Ok(plugin) => plugin,
            Err(EngineError::Refused(refusal)) => return Ok(refused(digest, refusal)),
            Err(other) => return Err(other),
        };
        let change = VersionChange::of(&self.0, &plugin);
        let mut findings = clashes(&plugin, &change);
        findings.extend(lacking(entry.as_deref(), &plugin));
        findings.extend(plugin.operations.iter().flat_map(|operation| wanting(operation)));
        findings.sort_by_key(|finding| finding.severity);
        Ok(Validation {
            digest,
            wants: Want::of(&plugin),
            change: Some(change),
            plugin: Some(plugin),
            findings,
        })
    }
}

fn refused(digest: Digest, refusal: LoadError) -> Validation {
    let mut message = refusal.message;
    for cause in &refusal.causes {
        message.push_str("; because: ");
        message.push_str(cause);
    }
    let findings = vec![Finding::new(Severity::Error, refusal.code, message, refusal.hint)];
    Validation { digest, plugin: None, wants: Vec::new(), change: None, findings }
}

/// Where it meets what is current.
fn clashes(plugin: &Plugin, change: &VersionChange) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Some(current) = change.current.as_ref().filter(|current| current.digest != plugin.digest) {
        let hint = "rename the plugin if it is another one; if it is the next version, raise its version and load it \
                    with `replace`";
        findings.push(Finding::new(Severity::Warning, "NAME_CLASH", clash(plugin, change, current), hint));
        if current.version == plugin.version {
            let message = format!("version {} is current with other code", plugin.version);
            findings.push(Finding::new(
                Severity::Note,
                "SAME_VERSION",
                message,
                "raise the version in `describe`",
            ));
        }
    }
    for playbook in &change.breaks {
        let hint = "keep what playbooks use, or publish them anew once it is loaded";
        findings.push(Finding::new(Severity::Warning, "BREAKS_PLAYBOOK", playbook, hint));
    }
    findings
}

/// What takes whose place.
pub(super) fn clash(plugin: &Plugin, change: &VersionChange, current: &VersionName) -> String {
    let mut message = format!(
        "a plugin `{}` is current: version {} ({}) with its operations would be replaced",
        plugin.name,
        current.version,
        current.digest.short()
    );
    if !change.removed.is_empty() {
        message.push_str(&format!("; gone would be {}", change.removed.join(", ")));
    }
    message.push_str("; give the draft another name, or load it with `replace`");
    message
}

/// What a runtime must still give before its playbooks can use the plugin.
pub(super) fn lacking(entry: Option<&RuntimeEntry>, plugin: &Plugin) -> Vec<Finding> {
    let Some(entry) = entry else { return Vec::new() };
    let (runtime, name) = (&entry.runtime.id, &plugin.name);
    let mut findings = Vec::new();
    if !entry.runtime.offers(name) {
        let message = format!("runtime `{runtime}` does not offer the plugin");
        let hint = format!("the operator adds `{name}` to runtimes.{runtime}.plugins");
        findings.push(Finding::new(Severity::Warning, "NOT_OFFERED", message, hint));
    }
    for want in Want::of(plugin) {
        let granted = entry.grants.configured(name).is_some_and(|grants| want.is_granted(grants));
        if !granted {
            let message =
                format!("runtime `{runtime}` does not grant it `{}`: it {}", want.word(), want.sentence());
            let hint = match want {
                Want::Network => format!(
                    "the operator names the servers: runtimes.{runtime}.grants.{name}.network: [\"api.example.com:443\"]"
                ),
                Want::Secrets => {
                    format!("the operator names them: runtimes.{runtime}.grants.{name}.secrets: [\"TOKEN\"]")
                }
                Want::Kv => format!("the operator grants it: runtimes.{runtime}.grants.{name}.kv: true"),
                Want::Model => "do without it, in a smaller world of the contract".to_owned(),
            };
            findings.push(Finding::new(Severity::Warning, "NOT_GRANTED", message, hint));
        }
    }
    findings
}

/// What an operation should say of itself.
fn wanting(operation: &Operation) -> Vec<Finding> {
    let name = &operation.name;
    let mut findings = Vec::new();
    if operation.description.trim().is_empty() {
        let hint = "say in `describe` what it does: people and assistants choose by it";
        findings.push(Finding::new(
            Severity::Note,
            "NO_DESCRIPTION",
            format!("{name} has no description"),
            hint,
        ));
    }
    if operation.examples.is_empty() && operation.effect != EffectClass::Effectful {
        let hint = "add one to `describe`: it is run as a test, and people learn from it";
        findings.push(Finding::new(Severity::Note, "NO_EXAMPLES", format!("{name} has no examples"), hint));
    }
    findings
}

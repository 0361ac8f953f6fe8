//! The `runtimes` section: what `orgata_model::runtime::Runtime` says, and where its playbooks are.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use orgata_model::runtime::{Environment, Grants, Role, Runtime};
use orgata_model::sampling::{Answers, ModelSource, ScriptedAnswer};
use orgata_model::{PluginName, RoleName, RuntimeId};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One runtime.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct RuntimeSection {
    /// Its name.
    pub(crate) id: RuntimeId,
    /// Where it lives.
    #[serde(default)]
    pub(crate) environment: Environment,
    /// For people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) description: Option<String>,
    /// Playbook files, or folders of them.
    #[serde(default)]
    pub(crate) playbooks: Vec<PathBuf>,
    /// The plugins that its playbooks may use. Absent: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) plugins: Option<Vec<PluginName>>,
    /// What each plugin may reach.
    #[serde(default)]
    pub(crate) grants: BTreeMap<PluginName, Grants>,
    /// What each plugin is told by `config.get`.
    #[serde(default)]
    pub(crate) config: BTreeMap<PluginName, BTreeMap<String, Value>>,
    /// What is known of roles.
    #[serde(default)]
    pub(crate) roles: BTreeMap<RoleName, Role>,
    /// The AI model that plugins may ask, where `grants` let them. Absent: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) model: Option<ModelSource>,
}

impl RuntimeSection {
    /// What `orgata serve` runs in a folder without configuration.
    #[expect(clippy::expect_used, reason = "the name is a constant, and a test reads it")]
    pub(crate) fn of_this_folder() -> Self {
        Self {
            id: "default".parse().expect("`default` is a name"),
            environment: Environment::Development,
            description: None,
            playbooks: vec![PathBuf::from("playbooks")],
            plugins: None,
            grants: BTreeMap::new(),
            config: BTreeMap::new(),
            roles: BTreeMap::new(),
            model: None,
        }
    }

    /// Without the places of its playbooks.
    pub(crate) fn runtime(&self) -> Runtime {
        Runtime {
            id: self.id.clone(),
            environment: self.environment,
            description: self.description.clone(),
            plugins: self.plugins.clone(),
            grants: self.grants.clone(),
            config: self.config.clone(),
            roles: self.roles.clone(),
            model: self.model.clone(),
        }
    }

    /// Reads the answers of a scripted model, where they are in a file of `folder`.
    pub(crate) fn read_answers(&mut self, folder: &Path) -> anyhow::Result<()> {
        let Some(model) = &mut self.model else { return Ok(()) };
        let Answers::InFile(file) = &model.answers else { return Ok(()) };
        let file = folder.join(file);
        let of = || format!("runtime `{}`: model.answers: {}", self.id, file.display());
        let text = std::fs::read_to_string(&file).with_context(of)?;
        let answers: Vec<ScriptedAnswer> =
            serde_saphyr::from_str(&text).with_context(|| format!("{} is no list of answers", of()))?;
        model.answers = Answers::Listed(answers);
        Ok(())
    }
}

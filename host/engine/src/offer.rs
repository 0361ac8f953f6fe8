//! What a runtime offers to playbooks, and whether a playbook fits to it.

use std::sync::Arc;

use orgata_model::diagnostic::{Diagnostic, Diagnostics};
use orgata_model::operation::{Operation, Plugin};
use orgata_model::playbook::Playbook;
use orgata_model::playbook::wiring::{Missing, Offer};
use orgata_model::{OperationName, PlaybookName, RoleName};

use crate::error::EngineError;
use crate::host::{Host, RuntimeEntry};
use crate::ports::Catalog;

/// Interfaces that reach over the network.
const NETWORK: [&str; 2] = ["wasi:http/", "wasi:sockets/"];

/// A runtime at one moment.
struct Offered<'r> {
    entry: &'r RuntimeEntry,
    catalog: Arc<Catalog>,
}

impl Offer for Offered<'_> {
    fn operation(&self, name: &OperationName) -> Result<Arc<Operation>, Missing> {
        if !self.entry.runtime.offers(&name.plugin) {
            let hint = format!("add `{}` to the plugins of runtime `{}`", name.plugin, self.entry.runtime.id);
            return Err(Missing::Never(hint));
        }
        // Its plugin may come later: starting it says so until then.
        // So may a version that is signed by whom it must be.
        let plugin = self.catalog.plugins.get(&name.plugin).ok_or(Missing::Yet)?;
        plugin.operation(&name.operation).cloned().ok_or_else(|| {
            let names: Vec<_> =
                plugin.operations.iter().map(|operation| operation.name.to_string()).collect();
            Missing::Never(format!("plugin `{}` {} has {}", plugin.name, plugin.version, names.join(", ")))
        })
    }

    fn forbids(&self, role: &RoleName, operation: &OperationName) -> Option<String> {
        let allowed = self.entry.runtime.roles.get(role)?.operations.as_ref()?;
        let any = format!("{}/*", operation.plugin);
        let name = operation.to_string();
        let may = allowed.iter().any(|allowed| *allowed == name || *allowed == any || allowed == "*");
        (!may).then(|| match allowed.is_empty() {
            true => "it may run nothing".to_owned(),
            false => format!("it may run {}", allowed.join(", ")),
        })
    }

    fn not_granted(&self, operation: &Operation) -> Option<String> {
        let plugin = self.catalog.plugins.get(&operation.name.plugin)?;
        let reaches =
            plugin.imports.iter().any(|import| NETWORK.iter().any(|network| import.starts_with(network)));
        let granted =
            self.entry.grants.configured(&plugin.name).is_some_and(|grants| !grants.network.is_empty());
        (reaches && !granted).then(|| {
            let (runtime, plugin) = (&self.entry.runtime.id, &plugin.name);
            format!(
                "grant it the network: runtimes.{runtime}.grants.{plugin}.network: [\"api.example.com:443\"]"
            )
        })
    }

    fn playbook(&self, name: &PlaybookName) -> Result<Option<Arc<Playbook>>, String> {
        // It may be published later: starting it says so until then.
        Ok(self.entry.playbook(name).ok())
    }
}

impl Host {
    /// Whether playbooks of a runtime may use this version of a plugin.
    pub(crate) fn offers(&self, entry: &RuntimeEntry, plugin: &Plugin) -> bool {
        entry.runtime.offers(&plugin.name)
            && self.settings.trust.refuses(entry.runtime.environment, plugin).is_none()
    }

    /// In what a playbook does not fit to what its runtime offers now, or would with this version of a plugin.
    pub(crate) fn wiring(
        &self,
        entry: &RuntimeEntry,
        playbook: &Playbook,
        instead: Option<&Arc<Plugin>>,
    ) -> Vec<Diagnostic> {
        let mut catalog = self.catalog_of(entry);
        if let Some(plugin) = instead {
            let mut plugins = catalog.plugins.clone();
            plugins.insert(plugin.name.clone(), Arc::clone(plugin));
            catalog = Arc::new(Catalog { plugins });
        }
        playbook.wiring(&Offered { entry, catalog })
    }

    /// Whether a playbook fits to what its runtime offers now; all that does not is told at once.
    pub(crate) fn check_wiring(
        &self,
        entry: &RuntimeEntry,
        file: &str,
        playbook: &Playbook,
    ) -> Result<(), EngineError> {
        let problems = self.wiring(entry, playbook, None);
        if problems.is_empty() {
            return Ok(());
        }
        let source = playbook.source.to_string();
        Err(EngineError::BadPlaybook(Box::new(Diagnostics { file: file.to_owned(), source, problems })))
    }
}

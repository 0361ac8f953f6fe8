//! The words of `orgata runtime`.

use clap::Subcommand;
use orgata_model::RuntimeId;

#[derive(Debug, Subcommand)]
pub(crate) enum RuntimeCommand {
    /// List the runtimes
    List,
    /// Show one: its playbooks, operations, roles and grants
    Show {
        /// Its name
        runtime: RuntimeId,
    },
    /// Make a runtime; what is in the configuration is made by itself
    Create {
        /// Its name
        runtime: RuntimeId,
        /// Where it lives: production, staging, simulation or development
        #[arg(long, value_name = "NAME", default_value = "development")]
        environment: String,
        /// For people
        #[arg(long, value_name = "TEXT")]
        description: Option<String>,
    },
    /// Retire a runtime that nothing is at work in
    Retire {
        /// Its name
        runtime: RuntimeId,
    },
    /// List what starts by itself, when it does next, and what it started last
    Schedules {
        /// Only of this runtime
        runtime: Option<RuntimeId>,
    },
}

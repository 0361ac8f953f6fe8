//! The words of `orgata playbook`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use orgata_model::{PlaybookName, RuntimeId};

#[derive(Debug, Subcommand)]
pub(crate) enum PlaybookCommand {
    /// Draw a playbook: its steps, what is inside of what, and what waits for what
    Graph(GraphArgs),
    /// List the playbooks of the running host
    List {
        /// Only of this runtime
        #[arg(long, value_name = "NAME")]
        runtime: Option<RuntimeId>,
    },
    /// Publish a file as the current version of its playbook; executions that have started keep theirs
    Publish {
        /// The playbook's file
        file: PathBuf,
        /// The runtime to publish it in [default: the only one]
        #[arg(long, value_name = "NAME")]
        runtime: Option<RuntimeId>,
    },
    /// Retire a playbook: nothing new starts on it, and what has started goes on
    Retire {
        /// The playbook's name
        name: PlaybookName,
        /// The runtime that has it [default: the only one]
        #[arg(long, value_name = "NAME")]
        runtime: Option<RuntimeId>,
    },
}

#[derive(Debug, Args)]
pub(crate) struct GraphArgs {
    /// The playbook's file
    pub(crate) file: PathBuf,
    /// For Mermaid, for Graphviz, or as a picture (which needs Graphviz)
    #[arg(long, value_enum, default_value_t = GraphFormat::Mermaid)]
    pub(crate) format: GraphFormat,
    /// The file to make [default: standard output]
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum GraphFormat {
    Mermaid,
    Dot,
    Svg,
}

//! The words of `orgata exec`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use orgata_model::{ExecutionId, PlaybookName, RoleName, RuntimeId, StepName, StepPath};

#[derive(Debug, Subcommand)]
pub(crate) enum ExecCommand {
    /// List executions, newest first
    List {
        #[command(flatten)]
        filter: FilterArgs,
        /// At most so many
        #[arg(long, default_value_t = 20)]
        limit: usize,
    },
    /// Show one execution with its steps
    Show {
        /// Its id
        execution: ExecutionId,
        /// Draw when each step was at work and when it waited
        #[arg(long)]
        timeline: bool,
    },
    /// Follow one execution live
    Watch {
        /// Its id
        execution: ExecutionId,
    },
    /// Let nothing new start until it is resumed: in one, or in all that a filter finds
    Pause(ControlArgs),
    /// Let one go on, or all that a filter finds
    Resume(ControlArgs),
    /// End one, or all that a filter finds; what was done is undone first, where steps say how
    Cancel(CancelArgs),
    /// Let one that failed go on: the step that failed begins anew
    Retry(RetryArgs),
    /// Do not run a step, or count it as done with a result
    Skip(SkipArgs),
    /// Open a question before a step begins, and hold the step until somebody answers
    Hold(HoldArgs),
    /// Make a new execution from an earlier one, that runs anew from a step
    Fork(ForkArgs),
    /// Delete what has ended: one execution, or all that a filter finds
    Purge(PurgeArgs),
    /// Write an execution down with its whole history
    Export {
        /// Its id
        execution: ExecutionId,
        /// The file to make [default: standard output]
        #[arg(long, short, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Take in an execution that was written down; one that has not ended comes in paused
    Import {
        /// The file; - for standard input
        file: PathBuf,
        /// The runtime that it happened in [default: what the file says]
        #[arg(long, value_name = "NAME")]
        runtime: Option<RuntimeId>,
    },
}

/// Which executions.
#[derive(Debug, Default, Args)]
pub(crate) struct FilterArgs {
    /// Only of this runtime
    #[arg(long, value_name = "NAME")]
    pub(crate) runtime: Option<RuntimeId>,
    /// Only of this playbook
    #[arg(long, value_name = "NAME")]
    pub(crate) playbook: Option<PlaybookName>,
    /// Only of these statuses
    #[arg(long, value_delimiter = ',')]
    pub(crate) status: Vec<String>,
    /// Only with this label
    #[arg(long, value_name = "KEY:VALUE")]
    pub(crate) label: Option<String>,
    /// Only started at or after this time (RFC 3339)
    #[arg(long, value_name = "TIME")]
    pub(crate) since: Option<String>,
    /// Only started before this time (RFC 3339)
    #[arg(long, value_name = "TIME")]
    pub(crate) until: Option<String>,
}

/// One execution, or all that a filter finds.
#[derive(Debug, Args)]
pub(crate) struct MeantArgs {
    /// The execution's id [default: all that the filter finds]
    pub(crate) execution: Option<ExecutionId>,
    #[command(flatten)]
    pub(crate) filter: FilterArgs,
    /// Of those that the filter finds, at most so many [default: all]
    #[arg(long, value_name = "COUNT")]
    pub(crate) limit: Option<usize>,
    /// Only say what would be done
    #[arg(long)]
    pub(crate) dry_run: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ControlArgs {
    #[command(flatten)]
    pub(crate) meant: MeantArgs,
    /// Why; kept in the history of each
    #[arg(long)]
    pub(crate) reason: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct CancelArgs {
    #[command(flatten)]
    pub(crate) control: ControlArgs,
    /// End it at once: undo nothing
    #[arg(long)]
    pub(crate) no_compensation: bool,
}

#[derive(Debug, Args)]
pub(crate) struct RetryArgs {
    /// The execution's id
    pub(crate) execution: ExecutionId,
    /// The step to begin with, such as `charge`, or `charge[2]` in a loop [default: the one that failed]
    #[arg(long, value_name = "STEP")]
    pub(crate) step: Option<StepPath>,
    /// What the step is given instead of what the playbook says: JSON, or @FILE
    #[arg(long, short, value_name = "JSON")]
    pub(crate) input: Option<String>,
    /// Why; kept in its history
    #[arg(long)]
    pub(crate) reason: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct SkipArgs {
    /// The execution's id
    pub(crate) execution: ExecutionId,
    /// The step, such as `charge`, or `charge[2]` in a loop
    #[arg(long, value_name = "STEP")]
    pub(crate) step: StepPath,
    /// What counts as its result: JSON, or @FILE [default: it is skipped, and reads as null]
    #[arg(long, value_name = "JSON")]
    pub(crate) result: Option<String>,
    /// Why; kept in its history
    #[arg(long)]
    pub(crate) reason: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct HoldArgs {
    /// The execution's id
    pub(crate) execution: ExecutionId,
    /// The step, such as `charge`, or `charge[2]` in a loop
    #[arg(long, value_name = "STEP")]
    pub(crate) step: StepPath,
    /// Why: what whoever decides is asked [default: whether the step may begin]
    #[arg(long, visible_alias = "prompt")]
    pub(crate) reason: Option<String>,
    /// Who may answer [default: whoever may answer at all]
    #[arg(long, value_name = "NAME")]
    pub(crate) role: Option<RoleName>,
}

#[derive(Debug, Args)]
pub(crate) struct ForkArgs {
    /// The earlier execution's id
    pub(crate) execution: ExecutionId,
    /// The step from which it runs anew; steps that do not depend on it keep their results [default: the first]
    #[arg(long, value_name = "STEP")]
    pub(crate) step: Option<StepName>,
    /// What the playbook is given instead: JSON, or @FILE
    #[arg(long, short, value_name = "JSON")]
    pub(crate) input: Option<String>,
    /// Run the playbook and the operations that are current now, instead of those of the earlier execution
    #[arg(long)]
    pub(crate) latest: bool,
    /// A word to find it by; may be given several times
    #[arg(long, value_name = "KEY:VALUE")]
    pub(crate) label: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct PurgeArgs {
    #[command(flatten)]
    pub(crate) meant: MeantArgs,
    /// Only ended longer ago than this, such as 12h or 30d
    #[arg(long, value_name = "TIME")]
    pub(crate) older_than: Option<String>,
}

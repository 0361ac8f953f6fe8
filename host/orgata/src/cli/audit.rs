//! The words of `orgata audit`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub(crate) enum AuditCommand {
    /// List what was let in and what was refused, newest first
    List {
        #[command(flatten)]
        filter: AuditFilterArgs,
        /// At most so many
        #[arg(long, default_value_t = 20)]
        limit: usize,
    },
    /// Write it down as JSON lines, oldest first
    Export {
        #[command(flatten)]
        filter: AuditFilterArgs,
        /// The file to make [default: standard output]
        #[arg(long, short, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Compute the chain anew, of the running host or of an export, and name the first line that does not fit
    Verify {
        /// An export; no host is asked
        file: Option<PathBuf>,
        /// A line that an earlier check ended with: tells whether the newest lines were taken away since
        #[arg(long, value_name = "SEQ:HASH")]
        noted: Option<String>,
    },
}

#[derive(Debug, Args)]
pub(crate) struct AuditFilterArgs {
    /// Only of this principal
    #[arg(long, value_name = "NAME")]
    pub(crate) principal: Option<String>,
    /// Only of this action, such as `execution.start`, or of all that begin with a word, such as `execution`
    #[arg(long)]
    pub(crate) action: Option<String>,
    /// Only with this verdict: admitted, denied, failed, left_out
    #[arg(long)]
    pub(crate) verdict: Option<String>,
    /// Only about this thing
    #[arg(long)]
    pub(crate) subject: Option<String>,
    /// Only at or after this time (RFC 3339)
    #[arg(long, value_name = "TIME")]
    pub(crate) since: Option<String>,
    /// Only before this time (RFC 3339)
    #[arg(long, value_name = "TIME")]
    pub(crate) until: Option<String>,
}

//! The words of the command line. What they do is in `commands`.

mod audit;
mod exec;
mod key;
mod playbook;
mod runtime;
mod secret;

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use orgata_model::signature::SignerKey;
use orgata_model::{ExecutionId, InterventionId, PluginName, RoleName, RuntimeId};

pub(crate) use audit::{AuditCommand, AuditFilterArgs};
pub(crate) use exec::{
    CancelArgs, ControlArgs, ExecCommand, FilterArgs, ForkArgs, HoldArgs, MeantArgs, PurgeArgs, RetryArgs,
    SkipArgs,
};
pub(crate) use key::{CreateKeyArgs, KeyCommand};
pub(crate) use playbook::{GraphArgs, GraphFormat, PlaybookCommand};
pub(crate) use runtime::RuntimeCommand;
pub(crate) use secret::SecretCommand;

/// Run playbooks of sandboxed WebAssembly operations, and stop where a person must decide.
#[derive(Debug, Parser)]
#[command(name = "orgata", version, propagate_version = true, after_help = crate::exit::HELP)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Clone, Args)]
#[command(next_help_heading = "Options of every command")]
pub(crate) struct Global {
    /// Configuration file [default: orgata.yaml, if it is there]
    #[arg(long, global = true, value_name = "FILE", env = "ORGATA_CONFIG", hide_env_values = true)]
    pub(crate) config: Option<PathBuf>,
    /// Folder of everything that the host keeps [default: .orgata]
    #[arg(long, global = true, value_name = "DIR", env = "ORGATA_DATA", hide_env_values = true)]
    pub(crate) data: Option<PathBuf>,
    /// The running host to talk to [default: the one of the data folder]
    #[arg(long, global = true, value_name = "URL", env = "ORGATA_SERVER", hide_env_values = true)]
    pub(crate) server: Option<String>,
    /// The key to bring to a host that asks who calls
    #[arg(long, global = true, value_name = "KEY", env = "ORGATA_KEY", hide_env_values = true)]
    pub(crate) key: Option<String>,
    /// The authorities to trust at https addresses, as PEM [default: those of the system]
    #[arg(long, global = true, value_name = "FILE", env = "ORGATA_CA", hide_env_values = true)]
    pub(crate) ca: Option<PathBuf>,
    /// The certificate to show to a host that asks for one, and its key, in one PEM file
    #[arg(long, global = true, value_name = "FILE", env = "ORGATA_IDENTITY", hide_env_values = true)]
    pub(crate) identity: Option<PathBuf>,
    /// Print JSON, for programs
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// What to log, such as `info` or `orgata_engine=debug`
    #[arg(long, global = true, value_name = "FILTER", env = "ORGATA_LOG", hide_env_values = true)]
    pub(crate) log: Option<String>,
    /// How to log: as text, as JSON lines, or by whether a host's log goes to a terminal
    #[arg(long, global = true, value_enum, default_value_t = LogFormat::Auto, env = "ORGATA_LOG_FORMAT", hide_env_values = true)]
    pub(crate) log_format: LogFormat,
}

/// Without the key: it is for the host alone.
impl std::fmt::Debug for Global {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Global")
            .field("config", &self.config)
            .field("data", &self.data)
            .finish_non_exhaustive()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    Auto,
    Text,
    Json,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the host
    Serve(ServeArgs),
    /// Run one playbook to its end, asking its questions here
    Run(RunArgs),
    /// Check playbook files
    Check(CheckArgs),
    /// Play a playbook without doing anything, and check what comes of it
    ///
    /// Pure operations really run, what others give comes from the scenario, from recorded executions or from their
    /// examples. Time is virtual. Exits with 1 when something is not as the scenario expects.
    Simulate(SimulateArgs),
    /// Make, look at and load plugins
    #[command(subcommand)]
    Plugin(PluginCommand),
    /// List, look at and steer executions
    #[command(subcommand)]
    Exec(ExecCommand),
    /// List the questions that wait for an answer
    Inbox(InboxArgs),
    /// Answer an open question
    Answer(AnswerArgs),
    /// Draw, publish, list and retire playbooks
    #[command(subcommand)]
    Playbook(PlaybookCommand),
    /// List, look at, make and retire runtimes, and see what they start by themselves
    #[command(subcommand)]
    Runtime(RuntimeCommand),
    /// Tell the running host what happened outside
    #[command(subcommand)]
    Event(EventCommand),
    /// Make, list and revoke the keys with which callers prove who they are
    ///
    /// It asks the running host, which takes a key that may do so. Where none runs, whoever may read the data folder makes
    /// the first one.
    #[command(subcommand)]
    Key(KeyCommand),
    /// Speak MCP on standard input and output, for an assistant that starts this program
    ///
    /// It talks to the host that --server names or that runs on the data folder, or else to one that it starts for as
    /// long as the assistant is there. Standard error says which.
    Mcp,
    /// Set, list and remove secrets that plugins can be granted
    #[command(subcommand)]
    Secret(SecretCommand),
    /// Read who did what and who was refused, and check that nobody changed it
    #[command(subcommand)]
    Audit(AuditCommand),
    /// Make certificates to try TLS with: an authority, a host's and a client's
    DevCert(DevCertArgs),
    /// Show the configuration with every default
    Config,
    /// Print a shell's completions
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
    /// Print a generated document (for the project's own checks)
    #[command(hide = true)]
    Schema {
        /// Which one
        document: Document,
    },
    /// Compile a component (run by the host itself)
    #[command(name = "__compile", hide = true)]
    Compile,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct ServeArgs {
    /// Address to listen at; port 0 picks one
    #[arg(long, value_name = "ADDR", env = "ORGATA_LISTEN", hide_env_values = true)]
    pub(crate) listen: Option<SocketAddr>,
    /// Serve everybody who can reach the host, without asking who they are. The configuration must say so, too
    #[arg(long)]
    pub(crate) insecure_without_authentication: bool,
    /// Talk in plain text with other machines, if the configuration says so, too (`allowPlainText`)
    #[arg(long)]
    pub(crate) allow_plain_text: bool,
}

#[derive(Debug, Args)]
pub(crate) struct DevCertArgs {
    /// Folder to write them into
    #[arg(long, value_name = "DIR", default_value = "certificates")]
    pub(crate) out: PathBuf,
    /// A name or address under which the host is called; may be given again [default: localhost, 127.0.0.1, ::1]
    #[arg(long = "name", value_name = "NAME")]
    pub(crate) names: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    /// The playbook's name, or a file of it
    pub(crate) playbook: String,
    /// The runtime to run it in [default: the one that has it]
    #[arg(long, value_name = "NAME")]
    pub(crate) runtime: Option<RuntimeId>,
    /// Its input: JSON, or @FILE of JSON or YAML
    #[arg(long, short, value_name = "JSON", default_value = "{}")]
    pub(crate) input: String,
    /// Answers by step name (YAML or JSON), instead of asking here
    #[arg(long, value_name = "FILE")]
    pub(crate) answers: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    /// Playbook files, or folders of them
    #[arg(required = true, value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
    /// Compare them with what this runtime of the running host offers, too: operations, their schemas, roles, grants,
    /// other playbooks. Nothing is published
    #[arg(long, value_name = "NAME")]
    pub(crate) runtime: Option<RuntimeId>,
}

#[derive(Debug, Args)]
pub(crate) struct SimulateArgs {
    /// The playbook's name, or a file of it, which is not published
    pub(crate) playbook: String,
    /// What it meets, and what should come of it (YAML)
    #[arg(long, short, value_name = "FILE")]
    pub(crate) scenario: Option<PathBuf>,
    /// The runtime to play it in [default: the one that has it]
    #[arg(long, value_name = "NAME")]
    pub(crate) runtime: Option<RuntimeId>,
    /// An exported execution to take results, answers and events from; may be given again
    #[arg(long, value_name = "FILE")]
    pub(crate) recorded: Vec<PathBuf>,
    /// Its input, instead of the scenario's: JSON, or @FILE of JSON or YAML
    #[arg(long, short, value_name = "JSON")]
    pub(crate) input: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum EventCommand {
    /// Tell of an event: to every execution of a runtime that waits for it, or to one execution
    ///
    /// A runtime's executions take it if they wait for it now; whoever begins to wait later does not see it. An
    /// execution that is named keeps it until one of its steps waits for it.
    Send(SendArgs),
}

#[derive(Debug, Args)]
pub(crate) struct SendArgs {
    /// The event's name, as playbooks wait for it
    #[arg(value_name = "NAME")]
    pub(crate) event: String,
    /// The runtime to tell [default: the only one]
    #[arg(long, value_name = "NAME")]
    pub(crate) runtime: Option<RuntimeId>,
    /// Tell only this execution, which keeps it until it waits for it
    #[arg(long, value_name = "ID")]
    pub(crate) execution: Option<ExecutionId>,
    /// What came with it: JSON, or @FILE of JSON or YAML
    #[arg(long, short, value_name = "JSON", default_value = "null", hide_default_value = true)]
    pub(crate) payload: String,
}

#[derive(Debug, Subcommand)]
pub(crate) enum PluginCommand {
    /// Make a folder with a first operation to build on
    New {
        /// The plugin's name, and the folder's
        name: String,
        /// What to write it in
        #[arg(long, value_enum, default_value_t = Language::Rust)]
        lang: Language,
    },
    /// Build the plugin in a folder
    Build {
        /// The folder
        #[arg(default_value = ".")]
        folder: PathBuf,
    },
    /// Show what a file offers, imports and would be allowed
    Inspect {
        /// The .wasm file
        file: PathBuf,
    },
    /// Run the examples of a file's operations in the sandbox
    Test {
        /// The .wasm file
        file: PathBuf,
        /// Only this operation
        #[arg(long, value_name = "NAME")]
        operation: Option<String>,
        /// Call it with this input instead of its examples: JSON, or @FILE
        #[arg(long, short, value_name = "JSON", requires = "operation")]
        input: Option<String>,
    },
    /// Make a key that signs plugins
    Keygen {
        /// The file to make; its public half is printed
        file: PathBuf,
    },
    /// Sign a file: in itself, or in a file beside it
    Sign {
        /// The .wasm file
        file: PathBuf,
        /// The file of the key, as `keygen` made it
        #[arg(long, value_name = "FILE")]
        signing_key: PathBuf,
        /// The file to make [default: the same file, or FILE.sig with --detached]
        #[arg(long, short, value_name = "FILE")]
        output: Option<PathBuf>,
        /// Leave the component as it is, and write the signature beside it
        #[arg(long)]
        detached: bool,
    },
    /// Tell who signed a file
    Verify {
        /// The .wasm file
        file: PathBuf,
        /// Fail unless this key signed it: `ed25519:` and 64 hex digits
        #[arg(long, value_name = "KEY")]
        signed_by: Option<SignerKey>,
    },
    /// Load a file into the running host
    Load {
        /// The .wasm file
        file: PathBuf,
    },
    /// List the plugins of the running host
    List,
    /// Make an earlier version current again
    Rollback {
        /// The plugin's name
        name: PluginName,
        /// The version to go back to [default: the one before the present]
        #[arg(long, value_name = "DIGEST")]
        to: Option<String>,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Language {
    // Described values would make clap spread every `--help` over twice the lines.
    Rust,
    Js,
}

#[derive(Debug, Args)]
pub(crate) struct InboxArgs {
    /// Only of this runtime
    #[arg(long, value_name = "NAME")]
    pub(crate) runtime: Option<RuntimeId>,
    /// Only for this role
    #[arg(long, value_name = "NAME")]
    pub(crate) role: Option<RoleName>,
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub(crate) limit: u16,
}

#[derive(Debug, Args)]
pub(crate) struct AnswerArgs {
    /// The execution's id
    pub(crate) execution: ExecutionId,
    /// The question's id [default: the one that is open]
    pub(crate) intervention: Option<InterventionId>,
    /// The answer: JSON, or @FILE [default: asked here]
    #[arg(long, short, value_name = "JSON")]
    pub(crate) response: Option<String>,
    /// What to write beside it
    #[arg(long)]
    pub(crate) notes: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Document {
    /// The OpenAPI document
    Openapi,
    /// The JSON Schema of playbook files
    Playbook,
    /// The JSON Schema of scenario files
    Scenario,
}

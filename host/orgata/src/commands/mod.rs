//! What each command does, one file each.

mod answer;
mod audit;
mod check;
mod dev_cert;
mod event;
mod exec;
mod inbox;
mod key;
mod mcp;
mod playbook;
mod plugin;
mod run;
mod runtime;
mod secret;
mod serve;
mod simulate;

use std::process::ExitCode;

use clap::CommandFactory as _;

use crate::cli::{Cli, Command, Document};
use crate::config::Config;
use crate::render::print_json;

/// Does what the command line says.
pub(crate) async fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    let global = cli.global;
    match cli.command {
        Command::Serve(args) => serve::serve(&global, &args).await,
        Command::Run(args) => run::run(&global, &args).await,
        Command::Check(args) => check::check(&global, &args).await,
        Command::Simulate(args) => simulate::simulate(&global, &args).await,
        Command::Playbook(command) => playbook::playbook(&global, command).await,
        Command::Runtime(command) => runtime::runtime(&global, command).await,
        Command::Event(command) => event::event(&global, command).await,
        Command::Plugin(command) => plugin::plugin(&global, command).await,
        Command::Exec(command) => exec::exec(&global, command).await,
        Command::Inbox(args) => inbox::inbox(&global, &args).await,
        Command::Answer(args) => answer::answer(&global, &args).await,
        Command::Key(command) => key::key(&global, command).await,
        Command::Mcp => mcp::mcp(&global).await,
        Command::Secret(command) => secret::secret(&global, command).await,
        Command::Audit(command) => audit::audit(&global, command).await,
        Command::DevCert(args) => dev_cert::dev_cert(&global, &args),
        Command::Config => {
            let config = Config::read(&global)?;
            if global.json {
                print_json(&serde_json::to_value(&config)?)?;
            } else {
                print!("{}", serde_saphyr::to_string(&config)?);
            }
            Ok(ExitCode::SUCCESS)
        }
        Command::Completions { shell } => {
            clap_complete::generate(shell, &mut Cli::command(), "orgata", &mut std::io::stdout());
            Ok(ExitCode::SUCCESS)
        }
        Command::Schema { document } => {
            match document {
                Document::Openapi => println!("{}", orgata_api::openapi_json()),
                Document::Scenario => {
                    let schema = orgata_model::playbook::scenario::json_schema();
                    println!("{}", serde_json::to_string_pretty(&schema)?);
                }
                Document::Playbook => {
                    println!("{}", serde_json::to_string_pretty(&orgata_model::playbook::json_schema())?);
                }
            }
            Ok(ExitCode::SUCCESS)
        }
        // `main` does this one, before there is a runtime.
        Command::Compile => Ok(ExitCode::FAILURE),
    }
}

//! `cargo xtask`: everything that the project does to itself.
//!
//! One file a task; this one only reads the command line. A task ends with an error that says what to
//! do, never with a panic. Not here: anything that a user of Orgata needs (that is `host/orgata`).

mod bench;
mod child;
mod ci;
mod componentize;
mod conformance;
mod demo;
mod packages;
mod plugins;
mod repo;
mod sbom;
mod schema;
mod schemathesis;
mod test;
mod tidy;
mod toolchain;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// The project's own tasks.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Build every guest: the shippable plugins to target/plugins, all of them to target/guests.
    Plugins,
    /// Build the compiler of plugins in JavaScript, and put it beside the host.
    Componentize,
    /// Make a sandwich: build the plugins and the host, then run playbooks/pbj-sandwich.yaml.
    Demo,
    /// Build plugins and host, then run all tests (with cargo-nextest when it is installed).
    Test(test::Args),
    /// All that must hold before a change goes in.
    Ci,
    /// Check the rules that the compiler does not know.
    Tidy,
    /// Write the generated files anew, or check that they are current.
    Schema(schema::Args),
    /// Try MCP with what others wrote: the official conformance suite, and clients of every kind.
    Conformance,
    /// Measure: the crates' own benchmarks, and the load runs over HTTP.
    Bench(bench::Args),
    /// Hold the running host to its OpenAPI document, with requests of all kinds (needs Python).
    Schemathesis(schemathesis::Args),
    /// Write what the binary is made of, as CycloneDX.
    Sbom(sbom::Args),
}

fn main() -> ExitCode {
    match run(Cli::parse().task) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Without a backtrace, whatever the environment says: what to do stands in the message.
            anstream::eprintln!("\u{1b}[31merror\u{1b}[0m: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(task: Task) -> anyhow::Result<()> {
    match task {
        Task::Plugins => plugins::build(),
        Task::Componentize => componentize::build(),
        Task::Demo => demo::run(),
        Task::Test(args) => test::run(&args),
        Task::Ci => ci::run(),
        Task::Tidy => tidy::run(),
        Task::Schema(args) => schema::run(args),
        Task::Conformance => conformance::run(),
        Task::Bench(args) => bench::run(&args),
        Task::Schemathesis(args) => schemathesis::run(&args),
        Task::Sbom(args) => sbom::run(&args),
    }
}

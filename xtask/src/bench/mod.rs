//! `cargo xtask bench`: how fast, how much, how soon.
//!
//! `micro` runs the crates' own criterion benchmarks. `w1` is the load run that a user would see: the
//! optimised binary, over HTTP, with a playbook of ten steps that do nothing. Without a name, both run.
//!
//! The load comes from the same machine and shares its cores with the host: numbers are for comparing
//! two versions on one machine, not for a brochure.

mod flush;
mod host;
mod load;
mod micro;
mod w1;

use anyhow::Result;

/// What `bench` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    which: Option<Which>,
}

#[derive(Debug, clap::Subcommand)]
enum Which {
    /// The benchmarks of the crates.
    Micro(micro::Args),
    /// Ten steps that do nothing, started and awaited over HTTP.
    W1(w1::Args),
}

/// Measures.
pub(crate) fn run(args: &Args) -> Result<()> {
    match &args.which {
        Some(Which::Micro(args)) => micro::run(args),
        Some(Which::W1(args)) => w1::run(args),
        None => {
            micro::run(&micro::Args::default())?;
            w1::run(&w1::Args::default())
        }
    }
}

//! A sandbox for one command: the same limits as the host's, with a data folder that is gone afterwards.
//!
//! Nothing is granted in it, and nothing is published: a running host does not notice.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use orgata_engine::ports::{Clock as _, LoadError, Operations, Plugins as _, Source, SystemClock};
use orgata_model::operation::Plugin;
use orgata_sandbox::Sandbox;
use owo_colors::OwoColorize as _;
use serde_json::json;
use tempfile::TempDir;

use crate::cli::Global;
use crate::config::Config;
use crate::exit;
use crate::render::print_json;

/// One command runs one thing at a time.
const INSTANCES: u32 = 2;

/// A sandbox, and the folder that it keeps its things in.
pub(super) struct Workbench {
    sandbox: Sandbox,
    /// Until the file is inspected. Then the code is in memory, and the process may end at any moment without
    /// leaving a folder behind: by Ctrl-C, or because nobody reads what it prints.
    data: Option<TempDir>,
}

impl Workbench {
    /// Opens a sandbox with the configured limits.
    pub(super) async fn open(global: &Global) -> anyhow::Result<Self> {
        let mut settings = Config::read(global)?.sandbox;
        settings.instances = INSTANCES;
        settings.idle_instances = INSTANCES;
        if settings.compiler.is_none() {
            settings.compiler = std::env::current_exe().ok();
        }
        let data = TempDir::with_prefix("orgata-").context("a temporary folder cannot be made")?;
        let sandbox = Sandbox::open(settings, data.path(), Arc::new(SystemClock)).await?;
        Ok(Self { sandbox, data: Some(data) })
    }

    /// Checks a component as the host would.
    pub(super) async fn inspect(&mut self, file: &Path, bytes: Vec<u8>) -> Result<Arc<Plugin>, LoadError> {
        let inspected = self.sandbox.inspect(bytes, Source::File(file.to_owned())).await;
        self.data = None;
        inspected
    }

    /// Where what was inspected can be called.
    pub(super) fn operations(&self) -> &dyn Operations {
        &self.sandbox
    }
}

/// The present, for calls that somebody makes by hand.
pub(super) fn now() -> jiff::Timestamp {
    SystemClock.now()
}

/// Tells why a file is refused, and what to do.
pub(super) fn refused(global: &Global, error: &LoadError) -> anyhow::Result<ExitCode> {
    if global.json {
        print_json(&json!({ "error": error }))?;
        return Ok(ExitCode::from(exit::FAILED));
    }
    anstream::eprintln!(
        "{} {} {}",
        "error:".red().bold(),
        error.message,
        format!("[{}]", error.code).dimmed()
    );
    for cause in &error.causes {
        anstream::eprintln!("  because: {cause}");
    }
    if !error.hint.is_empty() {
        anstream::eprintln!("  {} {}", "hint:".cyan(), error.hint);
    }
    Ok(ExitCode::from(exit::FAILED))
}

//! `orgata plugin`: making, looking at, trying and loading plugins.
//!
//! `new`, `build`, `inspect` and `test` need no host: what must run, runs in a sandbox of their own
//! ([`workbench`]). `load`, `list`, `grants`, `confirm`, `revoke` and `rollback` ask the running host.

mod build;
mod grants;
mod inspect;
mod list;
mod load;
mod new;
mod question;
mod rollback;
mod sign;
mod signature;
mod test;
mod workbench;

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, bail};

use crate::cli::{Global, PluginCommand};

/// Does what the command line says.
pub(crate) async fn plugin(global: &Global, command: PluginCommand) -> anyhow::Result<ExitCode> {
    match command {
        PluginCommand::New { name, lang } => new::new(global, &name, lang),
        PluginCommand::Build { folder } => build::build(global, &folder).await,
        PluginCommand::Inspect { file } => inspect::inspect(global, &file).await,
        PluginCommand::Test { file, operation, input } => {
            test::test(global, &file, operation.as_deref(), input.as_deref()).await
        }
        PluginCommand::Load { file } => load::load(global, &file).await,
        PluginCommand::Keygen { file } => sign::keygen(global, &file),
        PluginCommand::Sign { file, signing_key, output, detached } => {
            sign::sign(&file, &signing_key, output, detached)
        }
        PluginCommand::Verify { file, signed_by } => sign::verify(global, &file, signed_by),
        PluginCommand::List => list::list(global).await,
        PluginCommand::Grants(place) => grants::list(global, place).await,
        PluginCommand::Confirm { name, place, digest } => grants::confirm(global, &name, place, digest).await,
        PluginCommand::Revoke { name, place, reason } => grants::revoke(global, &name, place, &reason).await,
        PluginCommand::Rollback { name, to } => rollback::rollback(global, &name, to.as_deref()).await,
    }
}

/// Reads a plugin's file, and says what to do where it is none.
fn component(file: &Path) -> anyhow::Result<Vec<u8>> {
    let shown = file.display();
    if file.is_dir() {
        bail!("{shown} is a folder: name the .wasm file; `orgata plugin build {shown}` makes it");
    }
    if !file.exists() {
        bail!("there is no file {shown}: name a .wasm file; `orgata plugin build FOLDER` makes one");
    }
    std::fs::read(file).with_context(|| format!("{shown} cannot be read"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_or_nothing_in_place_of_a_file_is_told_with_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        let told = component(folder.path()).unwrap_err().to_string();
        assert!(told.contains("is a folder") && told.contains("orgata plugin build"), "{told}");
        let told = component(&folder.path().join("x.wasm")).unwrap_err().to_string();
        assert!(told.contains("there is no file"), "{told}");
    }
}

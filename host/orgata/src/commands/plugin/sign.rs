//! `orgata plugin keygen`, `sign` and `verify`: who made a plugin, so that a host can tell.

use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use orgata_model::signature::SignerKey;
use orgata_sandbox::signature::{self, SigningKey};
use serde_json::json;

use crate::cli::Global;
use crate::exit::{Exit, FAILED, USAGE};
use crate::render::print_json;

/// Makes a key that signs, in a file of its owner's own, and tells its public half.
pub(super) fn keygen(global: &Global, file: &Path) -> anyhow::Result<ExitCode> {
    use std::io::Write as _;
    let text = SigningKey::generate()?;
    let public = SigningKey::parse(&text)?.public();
    let mut made = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(file)
        .with_context(|| format!("{} cannot be made: a key is never written over", file.display()))?;
    writeln!(made, "{text}").with_context(|| format!("{} cannot be written", file.display()))?;
    if global.json {
        print_json(&json!({ "key": public }))?;
    } else {
        println!("{} signs, and is to be kept secret. Hosts believe it by", file.display());
        println!("trust: {{ keys: [{{ name: me, key: \"{public}\" }}] }}");
    }
    Ok(ExitCode::SUCCESS)
}

/// Signs a component: in itself, or in a file beside it.
pub(super) fn sign(
    file: &Path,
    key: &Path,
    output: Option<PathBuf>,
    detached: bool,
) -> anyhow::Result<ExitCode> {
    let bytes = super::component(file)?;
    let text = std::fs::read_to_string(key).with_context(|| format!("{} cannot be read", key.display()))?;
    // The text is a key, or nearly one: it is not shown.
    let key = SigningKey::parse(&text).with_context(|| format!("{} does not hold a key", key.display()))?;
    let (to, signed) = if detached {
        let to = output.unwrap_or_else(|| signature::file_beside(file));
        let before = std::fs::read_to_string(&to).unwrap_or_default();
        (to, (before + &key.line(&bytes)?).into_bytes())
    } else {
        (output.unwrap_or_else(|| file.to_owned()), key.embed(&bytes)?)
    };
    write_whole(&to, &signed)?;
    println!("{} is signed by {}", to.display(), key.public());
    Ok(ExitCode::SUCCESS)
}

/// Tells who signed a component. Exits with 1 when it is nobody, or not the one who is asked for.
pub(super) fn verify(global: &Global, file: &Path, asked: Option<SignerKey>) -> anyhow::Result<ExitCode> {
    let bytes = super::component(file)?;
    let beside = std::fs::read_to_string(signature::file_beside(file)).unwrap_or_default();
    let signers = signature::signers(&bytes, &beside);
    if global.json {
        print_json(&json!({ "signers": signers }))?;
    } else {
        signers.iter().for_each(|signer| println!("signed by {signer}"));
    }
    match asked {
        _ if signers.is_empty() => {
            Err(Exit::new(FAILED, format!("{} is signed by nobody, as it is now", file.display())).into())
        }
        Some(asked) if !signers.contains(&asked) => {
            Err(Exit::new(FAILED, format!("{} is not signed by {asked}", file.display())).into())
        }
        _ => Ok(ExitCode::SUCCESS),
    }
}

/// Whoever watches the folder sees the old file or the new one.
fn write_whole(file: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let mut part = file.as_os_str().to_owned();
    part.push(".part");
    let cannot = || format!("{} cannot be written", file.display());
    if file.is_dir() {
        bail!(Exit::new(USAGE, format!("{} is a folder: name a file", file.display())));
    }
    std::fs::write(&part, bytes).with_context(cannot)?;
    std::fs::rename(&part, file).with_context(cannot)
}

//! `orgata playbook graph`: a playbook file as a picture.

use std::io::{ErrorKind, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail};
use orgata_model::playbook::graph::Language;

use crate::cli::{GraphArgs, GraphFormat};
use crate::exit::{self, Exit};

pub(super) fn graph(args: &GraphArgs) -> anyhow::Result<()> {
    let (playbook, _) = super::read(&args.file, "drawn")?;
    let picture = match args.format {
        GraphFormat::Mermaid => playbook.graph(Language::Mermaid).into_bytes(),
        GraphFormat::Dot => playbook.graph(Language::Dot).into_bytes(),
        GraphFormat::Svg => svg(&playbook.graph(Language::Dot))?,
    };
    write(args, &picture)
}

fn write(args: &GraphArgs, picture: &[u8]) -> anyhow::Result<()> {
    match args.output.as_deref() {
        None => std::io::stdout().write_all(picture).context("standard output cannot be written"),
        Some(file) => save(file, picture),
    }
}

fn save(file: &Path, picture: &[u8]) -> anyhow::Result<()> {
    std::fs::write(file, picture).with_context(|| format!("{} cannot be written", file.display()))
}

/// Drawn by Graphviz, where it is installed. A drawing of our own would be a second layout engine to keep.
fn svg(dot: &str) -> anyhow::Result<Vec<u8>> {
    let mut command = Command::new("dot");
    command.arg("-Tsvg").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut drawing = match command.spawn() {
        Ok(drawing) => drawing,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let told = "an svg needs Graphviz, and there is no `dot` here: install it (apt install graphviz, \
                        brew install graphviz), or take --format mermaid, which GitHub and many editors draw";
            return Err(Exit::new(exit::FAILED, told).into());
        }
        Err(error) => return Err(error).context("Graphviz (`dot`) cannot be started"),
    };
    // All of it fits into what a pipe holds, or `dot` reads it before it writes.
    if let Some(mut to) = drawing.stdin.take() {
        to.write_all(dot.as_bytes()).context("Graphviz (`dot`) does not read")?;
    }
    let drawn = drawing.wait_with_output().context("Graphviz (`dot`) broke off")?;
    if !drawn.status.success() {
        bail!("Graphviz (`dot`) refused: {}", String::from_utf8_lossy(&drawn.stderr).trim());
    }
    Ok(drawn.stdout)
}

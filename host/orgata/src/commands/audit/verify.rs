//! `orgata audit verify`: whether the audit is as it was written, asked of the running host or computed here of an export.

use std::io::BufRead as _;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;
use orgata_api::wire::audit::AuditLineView;
use orgata_engine::access::{AuditBreak, AuditHead, Chain};
use serde_json::{Value, json};

use crate::cli::Global;
use crate::client::Client;
use crate::exit::{Exit, FAILED, USAGE};
use crate::render::print_json;
use crate::wire::Parts as _;

/// Checks, and tells what came of it. A chain that is broken is exit code 1.
pub(super) async fn verify(
    global: &Global,
    file: Option<&Path>,
    noted: Option<&str>,
) -> anyhow::Result<ExitCode> {
    let noted = noted.map(head).transpose()?;
    let told = match file {
        Some(file) => of_file(file, noted)?,
        None => {
            let query: Vec<_> = noted.into_iter().flat_map(asked).collect();
            Client::find(global).await?.get_with("/audit/verify", &query).await?
        }
    };
    if global.json {
        print_json(&told)?;
    } else {
        tell(&told);
    }
    Ok(if told.part("intact") == true { ExitCode::SUCCESS } else { ExitCode::from(FAILED) })
}

fn tell(told: &Value) {
    let lines = told.part("lines");
    match told.part("broken") {
        Value::Null => println!("the audit is intact: {lines} lines fit"),
        broken => {
            let what = broken.word("what").unwrap_or("it does not fit");
            println!(
                "the audit is broken at line {}: {what}; {lines} lines before it fit",
                broken.part("seq")
            );
        }
    }
    if let Some(removed) = told.part("removed").part("seq").as_u64() {
        println!("lines up to {removed} were removed, as audit.keep says");
    }
    if let (Some(seq), Some(hash)) = (told.part("head").part("seq").as_u64(), told.part("head").word("hash"))
    {
        println!("note this elsewhere, for later checks: --noted {seq}:{hash}");
    }
}

/// The lines of a file, which may be a part of the audit: it begins where it begins.
fn of_file(file: &Path, noted: Option<AuditHead>) -> anyhow::Result<Value> {
    let shown = file.display();
    let opened = std::fs::File::open(file).with_context(|| format!("{shown} cannot be read"))?;
    let mut chain = Chain::expecting(noted);
    let mut broken = None;
    for (line, number) in std::io::BufReader::new(opened).lines().zip(1_u64..) {
        let line = line.with_context(|| format!("{shown} cannot be read"))?;
        let read: AuditLineView = serde_json::from_str(&line).map_err(|error| {
            Exit::new(
                USAGE,
                format!("line {number} of {shown} is not one of an export of the audit: {error}"),
            )
        })?;
        broken = chain.take(&read.into()).err();
        if broken.is_some() {
            break;
        }
    }
    Ok(view(&chain, broken.or_else(|| chain.end().err())))
}

/// As the host tells it.
fn view(chain: &Chain, broken: Option<AuditBreak>) -> Value {
    let head = chain.head().map(|head| json!({ "seq": head.seq, "hash": head.hash }));
    let intact = broken.is_none();
    let broken = broken.map(|broken| json!({ "seq": broken.seq, "what": broken.what }));
    json!({ "intact": intact, "lines": chain.lines(), "head": head, "broken": broken })
}

fn asked(noted: AuditHead) -> [(&'static str, String); 2] {
    [("seq", noted.seq.to_string()), ("hash", noted.hash.to_string())]
}

fn head(text: &str) -> anyhow::Result<AuditHead> {
    let parsed = text
        .split_once(':')
        .and_then(|(seq, hash)| Some(AuditHead { seq: seq.parse().ok()?, hash: hash.parse().ok()? }));
    parsed.ok_or_else(|| Exit::new(USAGE, "--noted is written as a check ends: SEQ:sha256:…").into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_noted_line_is_read_as_it_is_told() {
        let hash = orgata_model::Digest::of(b"x");
        assert_eq!(head(&format!("7:{hash}")).unwrap(), AuditHead { seq: 7, hash });
        for bad in ["", "7", "7:", "x:sha256:00", ":"] {
            assert!(head(bad).is_err(), "{bad}");
        }
    }
}

//! Every refusal that a caller was told, looked up in the audit.

use std::collections::HashSet;
use std::io::{BufRead as _, BufReader};

use anyhow::{Context as _, Result};
use serde::Deserialize;

use super::stage::Stage;
use crate::child;

/// Requests that were refused, by their ids.
#[derive(Debug, Default)]
pub(super) struct Refused(HashSet<String>);

/// What matters of a line of the audit.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Line {
    request_id: Option<String>,
    verdict: String,
}

impl Refused {
    pub(super) fn add(&mut self, ids: Vec<String>) {
        self.0.extend(ids);
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// How many of them are in the audit. An audit whose chain is broken is an error.
    pub(super) fn in_the_audit(mut self, stage: &Stage) -> Result<usize> {
        child::run(&mut stage.auditors(&["audit", "verify"]))?;
        let file = stage.folder.path().join("audit.jsonl");
        let name = file.to_str().context("the folder's name is no text")?;
        child::run(&mut stage.auditors(&["audit", "export", "--verdict", "denied", "-o", name]))?;
        let told = self.0.len();
        for line in BufReader::new(std::fs::File::open(&file)?).lines() {
            let line: Line = serde_json::from_str(&line?).context("a line of the export")?;
            if let Some(request) = line.request_id.filter(|_| line.verdict == "denied") {
                self.0.remove(&request);
            }
        }
        Ok(told - self.0.len())
    }
}

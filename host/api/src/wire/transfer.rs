//! An execution written down, to be kept or taken to another host: JSON lines.
//!
//! The first line is a [`HistoryHead`]; every other line is one event, in order, as the host recorded it. That is
//! the form that every release reads for ever, and not the one that clients are shown (`wire::event`): what is shown
//! may leave out what only the host needs. `version` is raised when an older host could not read what is written.

use std::collections::BTreeMap;

use jiff::Timestamp;
use orgata_engine::{Export, HistoryFault};
use orgata_model::execution::{Event, Status};
use orgata_model::{Digest, ExecutionId, PlaybookName, PluginName, RuntimeId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::execution::StatusView;

/// The media type of JSON lines.
pub const MEDIA_TYPE: &str = "application/x-ndjson";
/// What [`HistoryHead::format`] says.
const FORMAT: &str = "orgata-execution";
/// The version that is written, and the newest that is read.
const VERSION: u32 = 1;

/// The first line of an execution that was written down.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct HistoryHead {
    /// Always `orgata-execution`.
    pub format: String,
    /// Of the format: 1.
    pub version: u32,
    /// When it was taken.
    #[schema(value_type = String, format = DateTime)]
    pub exported_at: Timestamp,
    /// Which execution.
    #[schema(value_type = String)]
    pub execution_id: ExecutionId,
    /// The runtime that it lives in.
    #[schema(value_type = String)]
    pub runtime_id: RuntimeId,
    /// Where it stood.
    #[schema(value_type = StatusView)]
    pub status: Status,
    /// How many events follow, one a line.
    pub events: u64,
    /// The key that it was started with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<String>,
    /// What it runs.
    pub playbook: HistoryPlaybook,
    /// The version of each plugin that it keeps.
    #[schema(value_type = BTreeMap<String, String>)]
    pub plugins: BTreeMap<PluginName, Digest>,
}

/// The version of a playbook that an execution runs, with all of its text.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct HistoryPlaybook {
    /// Its name.
    #[schema(value_type = String)]
    pub name: PlaybookName,
    /// Its version text.
    pub version: String,
    /// Of `source`.
    #[schema(value_type = String)]
    pub digest: Digest,
    /// The YAML.
    pub source: String,
}

impl HistoryHead {
    /// What is said of this export before its events.
    pub fn of(export: &Export) -> Self {
        let summary = &export.execution.summary;
        Self {
            format: FORMAT.to_owned(),
            version: VERSION,
            exported_at: export.at,
            execution_id: summary.id,
            runtime_id: summary.runtime.clone(),
            status: summary.status,
            events: summary.version,
            idempotency_key: export.execution.idempotency_key.clone(),
            playbook: HistoryPlaybook {
                name: summary.playbook.name.clone(),
                version: summary.playbook.version.clone(),
                digest: summary.playbook.digest,
                source: export.source.to_string(),
            },
            plugins: summary.plugins.clone(),
        }
    }

    /// Reads the first line.
    pub fn read(line: &[u8]) -> Result<Self, HistoryFault> {
        #[derive(Deserialize)]
        struct Kind {
            format: String,
            version: u32,
        }
        let unreadable =
            |error| HistoryFault::whole(format_args!("its first line is not that of an export: {error}"));
        let kind: Kind = serde_json::from_slice(line).map_err(unreadable)?;
        if kind.format != FORMAT {
            let format: String = kind.format.chars().take(40).collect();
            return Err(HistoryFault::whole(format_args!("its format is `{format}`, not `{FORMAT}`")));
        }
        if kind.version > VERSION {
            let version = kind.version;
            return Err(HistoryFault::whole(format_args!(
                "it is written in version {version}, and this host reads up to {VERSION}: import it into a newer one"
            )));
        }
        serde_json::from_slice(line).map_err(unreadable)
    }
}

/// One line of JSON.
pub fn line(value: &impl Serialize) -> serde_json::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(value)?;
    line.push(b'\n');
    Ok(line)
}

/// Reads the line of the event that should have this seq.
pub fn read_event(line: &[u8], seq: u64) -> Result<Event, HistoryFault> {
    serde_json::from_slice(line).map_err(|error| {
        HistoryFault::of(seq, format_args!("line {} is not a recorded event: {error}", seq + 1))
    })
}

/// Reads a whole export: its first line, and every event.
pub fn read_whole(lines: &[u8]) -> Result<(HistoryHead, Vec<Event>), HistoryFault> {
    let mut lines = lines.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    let head = HistoryHead::read(lines.next().unwrap_or_default())?;
    let events = lines.filter(|line| !line.is_empty()).zip(1..).map(|(line, seq)| read_event(line, seq));
    let events: Vec<Event> = events.collect::<Result<_, _>>()?;
    if events.len() as u64 != head.events {
        let (came, expected) = (events.len(), head.events);
        let reason =
            format_args!("it has {came} events, and its first line says {expected}: a part is missing");
        return Err(HistoryFault::whole(reason));
    }
    Ok((head, events))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_format_and_a_newer_version_are_told_apart() {
        for (line, told) in [
            ("{}", "missing field `format`"),
            ("nonsense", "not that of an export"),
            (r#"{"format":"temporal","version":1}"#, "its format is `temporal`, not `orgata-execution`"),
            (
                r#"{"format":"orgata-execution","version":2}"#,
                "written in version 2, and this host reads up to 1",
            ),
            (r#"{"format":"orgata-execution","version":1}"#, "missing field `exportedAt`"),
        ] {
            let fault = HistoryHead::read(line.as_bytes()).unwrap_err().to_string();
            assert!(fault.contains(told), "{line}: {fault}");
        }
    }
}

//! An [`Append`] made ready for the writer, in its caller's own task.
//!
//! Encoding JSON is the larger half of an append's work; done here, it runs beside the writer and not in it.

use orgata_engine::ports::{Append, StoreError};
use orgata_model::{ExecutionId, RuntimeId};

use crate::events::Segment;
use crate::failure::broken;
use crate::pins::PluginSet;
use crate::row::Statement;
use crate::{events, executions, interventions, keys, waits};

/// Whether an execution begins or goes on: each has its own way to notice that somebody else was there first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    New,
    More,
}

/// One append, encoded.
#[derive(Debug)]
pub(crate) struct Encoded {
    pub(crate) kind: Kind,
    pub(crate) execution: ExecutionId,
    pub(crate) runtime: RuntimeId,
    pub(crate) row: executions::Row,
    pub(crate) segment: Segment,
    pub(crate) plugins: PluginSet,
    /// What most appends do not need: labels, questions that open or close, events that are waited for.
    pub(crate) rest: Vec<Statement>,
}

impl Encoded {
    pub(crate) fn new(mut append: Append) -> Result<Self, StoreError> {
        check(&append)?;
        let plugins = PluginSet::of(std::mem::take(&mut append.summary.plugins));
        let mut rest = interventions::changes(&append)?;
        rest.extend(waits::changes(&append));
        rest.extend(keys::changes(&append));
        let kind = if append.seen == 0 { Kind::New } else { Kind::More };
        if kind == Kind::New {
            rest.extend(executions::labels(&append.summary));
        }
        Ok(Self {
            kind,
            execution: append.summary.id,
            runtime: append.summary.runtime.clone(),
            row: executions::Row::of(&append, plugins.digest)?,
            segment: events::Segment::of(&append)?,
            plugins,
            rest,
        })
    }

    /// About how much it adds to a transaction.
    pub(crate) fn bytes(&self) -> usize {
        self.segment.bytes() + self.row.bytes()
    }
}

/// A history with a gap could never be folded again: refuse to write one.
fn check(append: &Append) -> Result<(), StoreError> {
    let gapless =
        append.events.iter().zip(append.seen.saturating_add(1)..).all(|(event, seq)| event.seq == seq);
    let last = append.events.last().map(|event| event.seq);
    if gapless && last == Some(append.summary.version) {
        return Ok(());
    }
    let seqs: Vec<_> = append.events.iter().map(|event| event.seq).collect();
    let reason = format!(
        "refused to write: events {seqs:?} do not lead from version {} to {}",
        append.seen, append.summary.version
    );
    Err(broken(events::TABLE, append.summary.id, reason))
}

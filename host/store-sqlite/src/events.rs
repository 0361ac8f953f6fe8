//! Histories: one row an append, holding its events as a JSON array.

use orgata_engine::ports::{Append, StoreError};
use orgata_model::ExecutionId;
use orgata_model::execution::{Event, Seq};
use sqlx::{Row as _, SqlitePool};

use crate::append::Kind;
use crate::failure::{broken, unavailable};
use crate::row::{Columns, Values, integer};

pub(crate) const TABLE: &str = "event_segments";

/// The longest JSON of one append, in bytes. SQLite ends at 10⁹; long before, something is wrong with the caller.
const LONGEST: usize = 256 * 1024 * 1024;

/// Most events are shorter than this, in bytes of JSON.
const USUAL: usize = 256;

/// The events of one append, encoded.
#[derive(Debug)]
pub(crate) struct Segment {
    execution: ExecutionId,
    seen: i64,
    last: i64,
    events: Vec<u8>,
}

impl Segment {
    pub(crate) fn of(append: &Append) -> Result<Self, StoreError> {
        let mut json = Vec::with_capacity(append.events.len().saturating_mul(USUAL));
        serde_json::to_writer(&mut json, &append.events)
            .map_err(|error| broken(TABLE, append.summary.id, error))?;
        if json.len() > LONGEST {
            let reason = "refused to write: the events are longer than 256 MiB";
            return Err(broken(TABLE, append.summary.id, reason));
        }
        Ok(Self {
            execution: append.summary.id,
            seen: integer(append.seen),
            last: integer(append.summary.version),
            events: lz4_flex::compress_prepend_size(&json),
        })
    }

    pub(crate) fn bytes(&self) -> usize {
        self.events.len()
    }

    /// Adds the values of one row of [`insert`].
    pub(crate) fn bind(&self, kind: Kind, values: &mut Values) {
        let id = self.execution.uuid();
        values.push(&id.as_bytes()[..]);
        match kind {
            Kind::New => values.push(self.seen.saturating_add(1)),
            Kind::More => {
                values.push(&id.as_bytes()[..]);
                values.push(self.seen);
            }
        }
        values.push(self.last);
        values.push(self.events.as_slice());
    }
}

/// The statement that adds this many segments.
///
/// The one that goes on looks up the version that its writer saw; where it is another, `first_seq` becomes NULL
/// and the column refuses it. So a conflict is an error of the statement, and no round trip is spent on asking.
pub(crate) fn insert(kind: Kind, rows: usize) -> String {
    let row = match kind {
        Kind::New => "(?,?,?,?)",
        Kind::More => "(?,(SELECT version + 1 FROM executions WHERE id = ? AND version = ?),?,?)",
    };
    let rows = vec![row; rows].join(",");
    format!("INSERT INTO event_segments (execution, first_seq, last_seq, events) VALUES {rows};")
}

/// Events with `after < seq`, `limit` at most.
pub(crate) async fn read(
    readers: &SqlitePool,
    id: ExecutionId,
    after: Seq,
    limit: usize,
) -> Result<Vec<Event>, StoreError> {
    let limit = u64::try_from(limit).unwrap_or(u64::MAX);
    let last = after.saturating_add(limit);
    // Seqs have no gaps, so the page ends at a known one and no row is read for nothing.
    let rows = sqlx::query(
        "SELECT first_seq, last_seq, events FROM event_segments
         WHERE execution = ? AND last_seq > ? AND first_seq <= ? ORDER BY last_seq",
    )
    .bind(&id.uuid().as_bytes()[..])
    .bind(integer(after))
    .bind(integer(last))
    .fetch_all(readers)
    .await
    .map_err(|error| unavailable(&error))?;
    let mut events = Vec::new();
    for row in &rows {
        let first: i64 = row.try_get(0).map_err(|error| broken(TABLE, id, error))?;
        let segment = Columns::of(row, TABLE, format_args!("{id} from seq {first}"));
        events.extend(unpack(&segment)?.into_iter().filter(|event| after < event.seq && event.seq <= last));
    }
    Ok(events)
}

fn unpack(segment: &Columns<'_>) -> Result<Vec<Event>, StoreError> {
    let packed: &[u8] = segment.get("events")?;
    let (length, block) =
        packed.split_first_chunk().ok_or_else(|| segment.broken("the events have no length"))?;
    let length = usize::try_from(u32::from_le_bytes(*length)).unwrap_or(usize::MAX);
    // LZ4 packs 255 to 1 at best: do not let a damaged length allocate gigabytes.
    if length > block.len().saturating_mul(255) {
        return Err(segment.broken("the length of the events cannot be"));
    }
    let json = lz4_flex::decompress(block, length).map_err(|error| segment.broken(error))?;
    serde_json::from_slice(&json).map_err(|error| segment.broken(error))
}

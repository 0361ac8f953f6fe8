//! Giving lines their places, on the writing connection.

use orgata_engine::access::{AuditHead, AuditLine, AuditRecord};
use orgata_model::Digest;
use serde_json::json;
use sqlx::sqlite::SqliteConnection;

use crate::row::{Statement, Values, integer};

/// Adds lines, given as one JSON array: however many they are, it is one statement.
pub(crate) const INSERT: &str = "INSERT INTO audit
    (seq, at, principal, kind, address, request, action, subject, verdict, detail, previous, hash)
    SELECT value->>0, value->>1, value->>2, value->>3, value->>4, value->>5, value->>6, value->>7, value->>8,
           value->>9, unhex(value->>10), unhex(value->>11)
    FROM json_each(?);";

/// The newest line on disk, and those that build on it and are not there yet.
#[derive(Debug)]
pub(crate) struct Links {
    written: Option<AuditHead>,
    /// What a chain that is not there yet begins with.
    seed: Digest,
    waiting: Vec<AuditLine>,
    /// Bytes that were written, about, since somebody asked.
    grown: usize,
}

/// About what a line takes.
const LINE: usize = 512;

impl Links {
    /// Those of this data file.
    pub(crate) async fn of(connection: &mut SqliteConnection) -> Result<Self, sqlx::Error> {
        let last: Option<(i64, Vec<u8>)> =
            sqlx::query_as("SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1")
                .fetch_optional(&mut *connection)
                .await?;
        let seed: Vec<u8> = sqlx::query_scalar("SELECT randomblob(32)").fetch_one(connection).await?;
        // A hash of another length is one that somebody wrote there: whatever follows will not fit it.
        let digest =
            |bytes: Vec<u8>| <[u8; 32]>::try_from(bytes).map(Digest::from).unwrap_or(Digest::of(b""));
        let head = |(seq, hash): (i64, Vec<u8>)| AuditHead { seq: seq.unsigned_abs(), hash: digest(hash) };
        Ok(Self { written: last.map(head), seed: digest(seed), waiting: Vec::new(), grown: 0 })
    }

    /// Gives these the next places.
    pub(crate) fn add(&mut self, records: Vec<AuditRecord>) {
        for record in records {
            let head = match self.waiting.last().map(AuditLine::head).or(self.written) {
                Some(head) => head,
                None => {
                    let first = AuditLine::first(record.at, self.seed);
                    let head = first.head();
                    self.waiting.push(first);
                    head
                }
            };
            self.waiting.push(AuditLine::after(head, record));
        }
    }

    /// Those that are not on disk yet, for [`INSERT`].
    pub(crate) fn rows(&self) -> Option<String> {
        if self.waiting.is_empty() {
            return None;
        }
        let row = |line: &AuditLine| {
            json!([
                integer(line.seq),
                line.at.as_microsecond(),
                line.principal,
                line.kind,
                line.address,
                line.request,
                line.action,
                line.subject,
                line.verdict,
                line.detail,
                line.previous.hex(),
                line.hash.hex(),
            ])
        };
        Some(serde_json::Value::Array(self.waiting.iter().map(row).collect()).to_string())
    }

    /// The same as a statement.
    pub(crate) fn statement(&self) -> Option<Statement> {
        self.rows().map(|rows| Statement { sql: INSERT, values: Values::default().with(rows) })
    }

    /// How many bytes were written, about, since this was asked last.
    pub(crate) fn grown(&mut self) -> usize {
        std::mem::take(&mut self.grown)
    }

    /// They are on disk.
    pub(crate) fn written(&mut self) {
        self.grown += self.waiting.len() * LINE;
        self.written = self.waiting.last().map(AuditLine::head).or(self.written);
        self.waiting.clear();
    }
}

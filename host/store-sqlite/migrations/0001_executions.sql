-- The first shape of the store.
--
-- Times are microseconds since 1970, UTC. Ids are the 16 bytes of a UUIDv7, digests the 32 bytes of a SHA-256.
-- Tables keyed by such an id are WITHOUT ROWID: rows come in nearly sorted, and one tree is kept instead of two.

-- One row an execution: its summary, replaced by every append.
CREATE TABLE executions (
    id               BLOB    NOT NULL PRIMARY KEY,
    runtime          TEXT    NOT NULL,
    playbook         TEXT    NOT NULL,
    playbook_version TEXT    NOT NULL,
    playbook_digest  BLOB    NOT NULL,
    -- A word of the model: pending, running, waiting, paused, succeeded, failed, cancelled, timed_out.
    status           TEXT    NOT NULL,
    -- The seq of its last event. An append that saw another one is a conflict.
    version          INTEGER NOT NULL,
    started_at       INTEGER NOT NULL,
    updated_at       INTEGER NOT NULL,
    ended_at         INTEGER,
    -- When time alone moves it on.
    wakes_at         INTEGER,
    idempotency_key  TEXT,
    -- Which plugins it keeps: a key of plugin_sets.
    plugin_set       BLOB    NOT NULL,
    -- JSON, what no query asks for: step, done, total, output, failure, labels.
    detail           TEXT    NOT NULL
) STRICT, WITHOUT ROWID;

-- Every index here is paid by every execution, except the partial ones: an execution that starts and succeeds
-- in one append touches only the three lists.

-- Lists, newest first. The trailing columns let a filter be checked without looking up the row.
CREATE INDEX executions_by_start ON executions (started_at, id);
CREATE INDEX executions_by_runtime ON executions (runtime, started_at, id);
CREATE INDEX executions_by_playbook ON executions (playbook, runtime, started_at, id);
-- Success is what most rows have, so the list by start finds it soon; the rest is rare, and worth an index.
CREATE INDEX executions_by_status ON executions (status, started_at, id, runtime, playbook)
    WHERE status <> 'succeeded';
-- What a host must have at work.
CREATE INDEX executions_unfinished ON executions (id) WHERE status IN ('pending', 'running');
-- What time wakes.
CREATE INDEX executions_waking ON executions (wakes_at, id) WHERE wakes_at IS NOT NULL;
-- Plugin sets that somebody still needs.
CREATE INDEX executions_pinning ON executions (plugin_set)
    WHERE status IN ('pending', 'running', 'waiting', 'paused');
-- A key starts one execution in a runtime.
CREATE UNIQUE INDEX executions_by_key ON executions (runtime, idempotency_key)
    WHERE idempotency_key IS NOT NULL;

-- Histories: one row an append, with all its events. A row an event would be twenty times the writes.
CREATE TABLE event_segments (
    execution BLOB    NOT NULL,
    -- The seqs of its first and last event; segments follow one another without a gap.
    first_seq INTEGER NOT NULL,
    last_seq  INTEGER NOT NULL,
    -- JSON, an array of the model's recorded events, as an LZ4 block after its length (4 bytes, little-endian).
    -- A fifth of the bytes to log, to fold and to keep; packing costs less than writing the rest would.
    events    BLOB    NOT NULL
) STRICT;

CREATE UNIQUE INDEX event_segments_in_order ON event_segments (execution, last_seq, first_seq);

-- The plugin versions that executions keep, once for the many that keep the same.
CREATE TABLE plugin_sets (
    -- SHA-256 of the set: of each plugin in order of name, its name, a zero byte and its digest.
    digest  BLOB NOT NULL PRIMARY KEY,
    -- JSON, an object of plugin name to digest.
    plugins TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- The labels of executions, one row each, in the order of lists.
CREATE TABLE execution_labels (
    name       TEXT    NOT NULL,
    value      TEXT    NOT NULL,
    started_at INTEGER NOT NULL,
    execution  BLOB    NOT NULL,
    PRIMARY KEY (name, value, started_at, execution)
) STRICT, WITHOUT ROWID;

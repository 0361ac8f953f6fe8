-- Executions that wait for outside events, and those that undo their steps.

-- One row for each name of an event that an execution waits for now.
CREATE TABLE event_waits (
    runtime   TEXT NOT NULL,
    event     TEXT NOT NULL,
    execution BLOB NOT NULL,
    PRIMARY KEY (runtime, event, execution)
) STRICT, WITHOUT ROWID;

CREATE INDEX event_waits_by_execution ON event_waits (execution);

-- What a host must have at work.
DROP INDEX executions_unfinished;
CREATE INDEX executions_unfinished ON executions (id) WHERE status IN ('pending', 'running', 'compensating');
-- Plugin sets that somebody still needs.
DROP INDEX executions_pinning;
CREATE INDEX executions_pinning ON executions (plugin_set)
    WHERE status IN ('pending', 'running', 'waiting', 'paused', 'compensating');

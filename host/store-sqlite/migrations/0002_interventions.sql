-- Open questions. A row goes when its question is answered, expires, or its execution ends.
CREATE TABLE interventions (
    id          BLOB    NOT NULL PRIMARY KEY,
    execution   BLOB    NOT NULL,
    runtime     TEXT    NOT NULL,
    playbook    TEXT    NOT NULL,
    -- Who may answer now.
    role        TEXT,
    -- Who is asked instead when nobody answers in time; empty once that happened.
    escalate_to TEXT,
    -- 1 once it passed to another role: its deadline is over.
    escalated   INTEGER NOT NULL DEFAULT 0,
    opened_at   INTEGER NOT NULL,
    -- JSON, the model's intervention as it was asked.
    body        TEXT    NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX interventions_by_age ON interventions (opened_at, id);
CREATE INDEX interventions_by_runtime ON interventions (runtime, opened_at, id);
CREATE INDEX interventions_by_execution ON interventions (execution, opened_at, id);
CREATE INDEX interventions_by_role ON interventions (role, opened_at, id);

-- How far the schedules of playbooks have been dealt with.

CREATE TABLE schedules (
    runtime  TEXT    NOT NULL,
    playbook TEXT    NOT NULL,
    -- Due times up to here were started, left out or queued.
    seen     INTEGER NOT NULL,
    -- JSON, an array of the due times whose runs wait for earlier ones to end, in order, in microseconds.
    queued   TEXT    NOT NULL,
    PRIMARY KEY (runtime, playbook)
) STRICT, WITHOUT ROWID;

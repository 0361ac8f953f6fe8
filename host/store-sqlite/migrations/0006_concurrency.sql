-- Executions that count against a concurrency key, in the order in which they came.

CREATE TABLE concurrency (
    runtime   TEXT    NOT NULL,
    key       TEXT    NOT NULL,
    -- One behind the last of its key when it came.
    place     INTEGER NOT NULL,
    execution BLOB    NOT NULL,
    PRIMARY KEY (runtime, key, place)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX concurrency_by_execution ON concurrency (execution);

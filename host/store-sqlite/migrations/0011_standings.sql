-- Which versions of plugins are confirmed, pending and revoked in each runtime.

CREATE TABLE standings (
    runtime TEXT NOT NULL,
    plugin  TEXT NOT NULL,
    -- JSON: what the engine says of it.
    body    TEXT NOT NULL,
    PRIMARY KEY (runtime, plugin)
) STRICT, WITHOUT ROWID;

-- Playbooks and runtimes, as operators gave them.

-- Sources by digest: an execution keeps its version, whatever becomes of the name.
CREATE TABLE playbook_sources (
    digest BLOB NOT NULL PRIMARY KEY,
    -- The YAML, byte for byte.
    source TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Every version that was published under a name.
CREATE TABLE playbook_versions (
    runtime      TEXT    NOT NULL,
    name         TEXT    NOT NULL,
    digest       BLOB    NOT NULL,
    version      TEXT    NOT NULL,
    -- The last time that it became the current one.
    published_at INTEGER NOT NULL,
    PRIMARY KEY (runtime, name, digest)
) STRICT, WITHOUT ROWID;

-- Which version new executions get. No row: the name is retired.
CREATE TABLE current_playbooks (
    runtime TEXT NOT NULL,
    name    TEXT NOT NULL,
    digest  BLOB NOT NULL,
    PRIMARY KEY (runtime, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE runtimes (
    id   TEXT NOT NULL PRIMARY KEY,
    -- JSON, the model's runtime.
    body TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- One row, written to find out whether the store can be written to.
CREATE TABLE probe (
    id     INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    writes INTEGER NOT NULL
) STRICT;
INSERT INTO probe (id, writes) VALUES (1, 0);

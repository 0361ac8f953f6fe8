-- Secrets, sealed: whoever reads this file alone learns their names and lengths, and nothing else.

CREATE TABLE secrets (
    name   TEXT    NOT NULL PRIMARY KEY,
    -- The id of the key that it is sealed with.
    key    TEXT    NOT NULL,
    nonce  BLOB    NOT NULL,
    sealed BLOB    NOT NULL,
    set_at INTEGER NOT NULL,
    set_by TEXT    NOT NULL
) STRICT, WITHOUT ROWID;

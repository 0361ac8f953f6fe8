-- Keys with which callers prove who they are. What proves them is not here.

CREATE TABLE api_keys (
    id           BLOB    NOT NULL PRIMARY KEY,
    -- The digest of the secret part.
    hash         BLOB    NOT NULL,
    -- JSON: name, kind, reach, roles and scopes of whoever holds it.
    identity     TEXT    NOT NULL,
    created_at   INTEGER NOT NULL,
    created_by   TEXT    NOT NULL,
    expires_at   INTEGER,
    revoked_at   INTEGER,
    -- A few minutes late: it is not written at each use.
    last_used_at INTEGER
) STRICT, WITHOUT ROWID;

-- Who did what, and who was refused: lines that are added and never change.

CREATE TABLE audit (
    -- From 1, without gaps.
    seq       INTEGER NOT NULL PRIMARY KEY,
    -- Microseconds, as everywhere.
    at        INTEGER NOT NULL,
    principal TEXT    NOT NULL,
    kind      TEXT    NOT NULL,
    address   TEXT,
    request   TEXT,
    action    TEXT    NOT NULL,
    subject   TEXT    NOT NULL,
    verdict   TEXT    NOT NULL,
    detail    TEXT,
    -- The hash of the line before; of line 1, 32 random bytes.
    previous  BLOB    NOT NULL,
    -- Of the line and `previous`: docs/audit.md says over what.
    hash      BLOB    NOT NULL
) STRICT;

-- What people look for first, and there are few of it: who was let in costs no entry.
CREATE INDEX audit_by_verdict ON audit (verdict, seq) WHERE verdict <> 'admitted';

-- Not a protection from whoever may write the file (the chain tells of them): one from mistakes of our own.
CREATE TRIGGER audit_is_not_changed BEFORE UPDATE ON audit
BEGIN SELECT RAISE(ABORT, 'lines of the audit never change'); END;
CREATE TRIGGER audit_is_not_deleted BEFORE DELETE ON audit
BEGIN SELECT RAISE(ABORT, 'lines of the audit are never deleted'); END;

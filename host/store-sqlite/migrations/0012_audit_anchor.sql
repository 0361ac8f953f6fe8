-- The last line of the audit that was removed because it was kept for long enough: the oldest one that is there builds on it.

CREATE TABLE audit_anchor (
    id   INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    seq  INTEGER NOT NULL,
    hash BLOB    NOT NULL
) STRICT;

-- Lines go by moving the anchor first, and in no other way.
DROP TRIGGER audit_is_not_deleted;
CREATE TRIGGER audit_is_not_deleted BEFORE DELETE ON audit
WHEN old.seq > coalesce((SELECT seq FROM audit_anchor), 0)
BEGIN SELECT RAISE(ABORT, 'lines of the audit are never deleted before the anchor is beyond them'); END;

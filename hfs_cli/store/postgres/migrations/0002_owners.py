"""Owners: each has their own sessions, under their own names.

Who acts is said at the beginning of each transaction (`SET LOCAL hfs.owner`), and is the owner of
what it adds; of what is there already whoever brings the tables up to date.
"""

from peewee import PostgresqlDatabase
from playhouse.migrate import PostgresqlMigrator

# What several owners' messages carry is kept once. Whether anybody else carries it, who deletes may
# not be allowed to see (row-level security), so that the tables' owner looks: SECURITY DEFINER,
# with nothing in its search path that others could put in front of the tables
# (https://www.postgresql.org/docs/current/sql-createfunction.html, 2026-11-29).
# And since anybody may add bytes that everybody finds by their digest, it has to be theirs.
_STATEMENTS = """
ALTER TABLE import ADD COLUMN owner text COLLATE "C" NOT NULL
    DEFAULT current_setting('hfs.owner');
ALTER TABLE session ADD COLUMN owner text COLLATE "C" NOT NULL
    DEFAULT current_setting('hfs.owner'),
    DROP CONSTRAINT session_uid_key,
    DROP CONSTRAINT session_name_key,
    DROP CONSTRAINT session_use_seq_key,
    ADD CONSTRAINT session_uid UNIQUE (owner, uid),
    ADD CONSTRAINT session_name UNIQUE (owner, name),
    ADD CONSTRAINT session_use_seq UNIQUE (owner, use_seq);
CREATE TABLE deleted_anew (
    uid text COLLATE "C" NOT NULL,
    owner text COLLATE "C" NOT NULL DEFAULT current_setting('hfs.owner'),
    seen_at bigint NOT NULL,
    PRIMARY KEY (owner, uid)
);
INSERT INTO deleted_anew (uid, seen_at) SELECT uid, seen_at FROM deleted;
DROP TABLE deleted;
ALTER TABLE deleted_anew RENAME TO deleted;
ALTER TABLE attachment
    ADD CONSTRAINT attachment_digest CHECK (sha256 = encode(sha256(data), 'hex'));

CREATE FUNCTION hfs_drop_bytes() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = {schema}, pg_temp AS $$
BEGIN
    DELETE FROM attachment WHERE sha256 = OLD.sha256
    AND NOT EXISTS (SELECT 1 FROM message_attachment WHERE sha256 = OLD.sha256);
    RETURN NULL;
END
$$;

CREATE TRIGGER hfs_drop_bytes AFTER DELETE OR UPDATE OF sha256 ON message_attachment
FOR EACH ROW WHEN (OLD.sha256 IS NOT NULL) EXECUTE FUNCTION hfs_drop_bytes();
"""


def up(_migrator: PostgresqlMigrator, db: PostgresqlDatabase) -> None:
    """Add the columns, and what goes with them."""
    (schema,) = db.execute_sql("SELECT quote_ident(current_schema())").fetchone()
    for statement in _STATEMENTS.format(schema=schema).split(";\n\n"):
        db.execute_sql(statement)

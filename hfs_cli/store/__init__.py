"""The database: the only place that imports peewee and holds SQL."""

import sys

# Peewee loads each driver of PostgreSQL that it finds, which takes longer than all the rest of
# it; `hfs_cli.store.postgres` brings its own where it is asked for. None makes an import fail.
_drivers = [name for name in ("psycopg", "psycopg2") if name not in sys.modules]
sys.modules.update(dict.fromkeys(_drivers))  # type: ignore[arg-type]
try:
    import peewee  # noqa: F401
finally:
    for _name in _drivers:
        del sys.modules[_name]

# Playhouse's migrations know CockroachDB, for which they load a driver, too. Nothing here speaks
# to it, and they do without where it cannot be imported.
sys.modules.setdefault("playhouse.cockroachdb", None)  # type: ignore[arg-type]

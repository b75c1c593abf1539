"""The database: the only place that imports peewee and holds SQL."""

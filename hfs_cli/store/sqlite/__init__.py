"""All that knows SQLite: the file, its transactions, migrations, upkeep and search."""

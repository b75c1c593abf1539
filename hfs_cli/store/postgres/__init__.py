"""All that knows PostgreSQL."""

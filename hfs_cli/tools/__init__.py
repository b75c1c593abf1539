"""Programs and MCP servers as tools of a turn: what may run, and running it."""

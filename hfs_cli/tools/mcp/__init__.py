"""MCP servers: the only room that knows the `mcp` package, its loop and its HTTP."""

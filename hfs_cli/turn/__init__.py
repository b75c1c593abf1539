"""One turn, from the question to the kept reply: the core, free of third-party code."""

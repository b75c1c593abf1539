"""LLM wire formats: the only place that imports httpx."""

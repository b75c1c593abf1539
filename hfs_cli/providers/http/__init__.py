"""Requests and replies over HTTP: the only place that imports httpx."""

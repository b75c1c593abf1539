"""Markdown that streams to a terminal."""

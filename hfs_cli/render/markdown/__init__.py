"""Lay out Markdown for a terminal."""

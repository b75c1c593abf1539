"""Markdown as models write it, parsed once for the terminal and for HTML."""

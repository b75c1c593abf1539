"""Parse Markdown as models write it, for the terminal and for HTML."""

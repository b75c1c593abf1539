"""Show the reply of a turn as it comes: as Markdown, as plain text, or in a file."""

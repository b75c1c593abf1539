"""The reply of a turn, shown as it comes: a page, plain text, a file, JSON."""

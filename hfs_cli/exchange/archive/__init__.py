"""An archive of sessions to open in a browser."""

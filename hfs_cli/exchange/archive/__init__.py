"""An archive of sessions to open in a browser: write, values, page (of a session), overview."""

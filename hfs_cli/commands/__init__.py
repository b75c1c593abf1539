"""Commands: argv and wiring, one file per noun or verb; no SQL, no HTTP, no try."""

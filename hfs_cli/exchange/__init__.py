"""Formats in which conversations leave and come: neither SQL nor drawing."""

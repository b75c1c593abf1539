"""Completion, as the shells themselves do it."""

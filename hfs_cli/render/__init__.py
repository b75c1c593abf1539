"""Output: the only place that imports rich."""

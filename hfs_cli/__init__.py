"""hfs: a language model in the shell, one turn a call."""

__version__ = "0.2.0"

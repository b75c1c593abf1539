"""Generated for shells: completion scripts, the words that they ask for, and manual pages."""

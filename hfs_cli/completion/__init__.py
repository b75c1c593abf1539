"""What shells are given: completion scripts, the words that depend on the user, manual pages."""

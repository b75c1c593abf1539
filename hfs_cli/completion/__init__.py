"""What shells are told: completion scripts, the words that depend on the user, manual pages."""

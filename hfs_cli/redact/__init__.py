"""Find keys and tokens of the big vendors in any text."""

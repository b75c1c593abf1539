"""Keys and tokens of the big vendors in any text: what they look like, and where they are."""

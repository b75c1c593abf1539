"""From argv to many turns: prompts, models, and what is made of each reply."""

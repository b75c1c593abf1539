"""Many prompts in one run: what is read, who is asked when, and where the results go."""

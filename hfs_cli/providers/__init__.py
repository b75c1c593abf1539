"""Language models and who serves them: choosing one, and talking to it."""

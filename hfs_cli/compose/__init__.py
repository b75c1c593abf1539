"""From the words of a command line to a turn: prompt, files, options, schema, budget."""

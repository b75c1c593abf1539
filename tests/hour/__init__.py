"""A stranger's first hour: thirty tasks, and mistakes made on purpose.

`python -m tests.hour` runs all of it in a home of its own, against a scripted server, and prints
what a person sees: `python -m tests.hour mistakes --columns 40`.
"""

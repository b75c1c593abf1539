"""Bring conversations in: all of them or none, while everybody else goes on writing.

What is there already gains what is new in it, and what was deleted stays so.

    receive      takes conversations in any order, and ties branches once their parents are there
    meeting      decides what is new in one; `comparison` and `kept` are what it looks with
    write        writes what is new: many transactions, each of them the rows of a `bulk`
    join         ties what was brought to its parents
    take_back    takes away what an import brought that did not end

An import is many short transactions. Each adds rows that are not shown yet, because the row of
their import says that it goes on; the last one says that it has ended, and all is there at once.
Whoever kills it in between leaves rows that nobody sees and the next import takes away.
"""

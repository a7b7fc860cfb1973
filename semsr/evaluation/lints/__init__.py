"""Looks at a row's pictures before they are scored, and says what looks wrong: faults that a mean over a data set hides.

A picture is measured once (`looking`): a `Look` holds the numbers, the journal keeps them. Each module beside it judges one kind of
fault from the looks of a whole row: a pure function that gives findings. docs/lints.md has every fault, threshold and where it comes from.
"""

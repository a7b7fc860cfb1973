"""Reported against reproduced: published values, aggregation, the tables."""

"""Stages of the pipeline, in the way of the data: one module with a `run` each, and what they share."""

"""Stages of the pipeline, in the way of the data: one module a stage, one `run` each."""

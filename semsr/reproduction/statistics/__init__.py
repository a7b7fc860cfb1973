"""Whether differences between rows are more than chance: paired bootstrap, Holm's correction, groups, rank correlation."""

"""The page on training: curves, samples, what discriminators tell apart, what their semantic tokens look at."""

"""What segmenters build on: their contract, what they find, how it is kept."""

"""The data side of training, for every method: prepared pictures in, batches of HR and LR patches out."""

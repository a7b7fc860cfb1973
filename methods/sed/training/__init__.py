"""SeD's discriminators and what the training loop is given of them."""

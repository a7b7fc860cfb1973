"""What data sets build on: pairing by name, cutting photographs, the prepared form and its manifest."""

"""What methods build on: the Restorer contract, weights readers, runners."""

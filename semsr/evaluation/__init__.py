"""What metrics build on: the Metric contract, protocols, one decode of an image for all metrics."""

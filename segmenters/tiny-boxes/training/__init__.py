"""What only trains; judging needs nothing of it."""

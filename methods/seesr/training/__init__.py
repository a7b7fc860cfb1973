"""What trains SeeSR and is not needed to restore; method.py must not import it."""

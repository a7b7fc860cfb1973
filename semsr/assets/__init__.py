"""Files from outside: mirrors, verification, safe unpacking and safe loading."""

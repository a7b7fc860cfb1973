"""The chain from a printed number down to files and hashes: one module a kind of link."""

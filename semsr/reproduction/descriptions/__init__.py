"""How well describers put pictures into words: what they said, measured, and set beside a paper's marks."""

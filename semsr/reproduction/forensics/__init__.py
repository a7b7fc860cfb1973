"""Protocol forensics: which other way of measuring the same pictures gives a published value."""

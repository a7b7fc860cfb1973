"""SemSR-Bench: does a published super-resolution result hold, and how does a new method compare under the same rules?"""

__version__ = "0.1.0"

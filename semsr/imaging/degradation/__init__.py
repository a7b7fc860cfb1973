"""Real-ESRGAN's second-order degradation, the same bytes on every machine: see docs/degradation.md."""

"""Pixels: PNG in and out, colour, MATLAB-compatible resize, tiling."""

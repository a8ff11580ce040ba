"""Bounds on the evidence, and what shapes their KL."""

"""Objectives that couple the examples of a batch."""

"""Searches: who chooses the trials, and what they keep."""

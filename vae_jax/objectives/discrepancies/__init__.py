"""Discrepancies between two sets of codes."""

"""Runs: their directory, training and resuming them, evaluating them, and explaining them."""

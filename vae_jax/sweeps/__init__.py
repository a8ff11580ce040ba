"""Sweeps: many runs of an experiment side by side, as lanes of one compiled program."""

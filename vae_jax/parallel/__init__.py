"""Devices and hosts: where the arrays of a run lie, and how its processes agree."""

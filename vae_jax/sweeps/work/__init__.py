"""The work on a sweep: its directory, programs, workers, and ends."""

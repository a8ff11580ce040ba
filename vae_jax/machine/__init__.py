"""The machine: its devices and memory, its compiled programs, and how much of it a training step uses."""

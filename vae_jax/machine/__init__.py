"""What the machine has, what it has compiled before, and how much of it a training step uses."""

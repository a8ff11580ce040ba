"""The exit codes of `vae-jax` that have names."""

INTERRUPTED = 130
"""After an interruption by Ctrl-C or a signal, as a shell's command ends after Ctrl-C."""

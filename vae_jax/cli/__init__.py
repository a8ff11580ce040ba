"""The command line, `vae-jax`."""

from vae_jax.cli.main import main

__all__ = ["main"]

"""`python -m vae_jax` is `vae-jax`."""

import sys

from vae_jax.cli.main import main

sys.exit(main())

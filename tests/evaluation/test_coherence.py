"""Whether what is generated from another modality is of its class, for a model whose answers are known."""

import jax.numpy as jnp
import numpy as np

from vae_jax.data import Dataset, Split, all_present
from vae_jax.distributions import Normal, Product, standard_normal
from vae_jax.evaluation import cross_coherence
from vae_jax.vae import VAE, Conditional, Model

NUM_CLASSES, NUM = 3, 60
PATTERNS = np.random.default_rng(0).normal(size=(2, NUM_CLASSES, 8)).astype(np.float32)
LABELS = np.arange(NUM) % NUM_CLASSES


def of_classes() -> Dataset:
    noise = 0.1 * np.random.default_rng(1).normal(size=(2, NUM, 8)).astype(np.float32)
    parts = {"a": PATTERNS[0][LABELS] + noise[0], "b": PATTERNS[1][LABELS] + noise[1]}
    return Dataset("patterns", "Noisy patterns.", {split: Split(parts, LABELS) for split in ("train", "test")}, 1.0)


def bind(params):
    """z is the class, one-hot: read from a where that is present, and always the first one of b alone."""

    def given(condition):
        def posterior(x):
            found = jnp.argmin(jnp.square(x["a"] - PATTERNS[0]).sum(axis=1))
            which = jnp.where(condition["a"], found, 0)
            return Normal(jnp.eye(NUM_CLASSES)[which], jnp.ones(NUM_CLASSES))

        def likelihood(z):
            return Product({name: Normal(z @ patterns, 1.0) for name, patterns in zip("ab", PATTERNS, strict=True)})

        return VAE(posterior, likelihood, standard_normal(NUM_CLASSES))

    return Conditional(given)


def test_the_shares_are_those_of_the_classes_that_are_generated():
    seen = all_present("a", "b")
    measures = cross_coherence(Model(lambda key: (), bind), seen.apply, of_classes())
    found = measures(())
    assert found == {"a_itself": 1.0, "b_itself": 1.0, "b_from_a": 1.0, "a_from_b": np.mean(LABELS == 0)}

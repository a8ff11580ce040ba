"""A VAE of a few numbers, data for it, and what it means that two states are the same."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from vae_jax.distributions import Normal, standard_normal
from vae_jax.objectives import elbo, over_batch
from vae_jax.training import Trainer, trainer
from vae_jax.data.feed import Feed, make_feed
from vae_jax.vae import VAE, Model

NUM_EXAMPLES, DATA_SIZE, LATENT_SIZE, BATCH_SIZE = 22, 3, 2, 5  # four steps an epoch, two examples left over


class Tiny(NamedTuple):
    """A linear VAE of 15 numbers, and where its batches come from."""

    model: Model
    trainer: Trainer
    examples: np.ndarray
    feed: Feed

    def with_examples(self, examples: np.ndarray, batch_size: int = BATCH_SIZE) -> Feed:
        return make_feed(examples, noisy, batch_size, jax.random.key(7))


def noisy(key: jax.Array, example: jax.Array) -> jax.Array:
    return example.astype(jnp.float32) + 0.1 * jax.random.normal(key, example.shape)


def init(key: jax.Array) -> dict[str, jax.Array]:
    encoder_key, decoder_key = jax.random.split(key)
    return {
        "encoder": 0.3 * jax.random.normal(encoder_key, (LATENT_SIZE, DATA_SIZE)),
        "decoder": 0.3 * jax.random.normal(decoder_key, (DATA_SIZE, LATENT_SIZE)),
        "bias": jnp.zeros(DATA_SIZE),
    }


def bind(params: dict[str, jax.Array]) -> VAE:
    return VAE(
        lambda x: Normal(params["encoder"] @ x, jnp.full(LATENT_SIZE, 0.5)),
        lambda z: Normal(params["decoder"] @ z + params["bias"], jnp.asarray(0.5)),
        standard_normal(LATENT_SIZE),
    )


@pytest.fixture(scope="session")
def tiny() -> Tiny:
    model = Model(init, bind)
    examples = np.random.default_rng(0).normal(1.0, 0.5, size=(NUM_EXAMPLES, DATA_SIZE)).astype(np.float32)
    feed = make_feed(examples, noisy, BATCH_SIZE, jax.random.key(7))
    return Tiny(model, trainer(model, over_batch(elbo), optax.adam(1e-2), average_decay=0.9), examples, feed)


@pytest.fixture(scope="session")
def assert_same_bits() -> Callable[[Any, Any], None]:
    def raw(leaf: Any) -> bytes:
        is_key = isinstance(leaf, jax.Array) and jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)
        leaf = np.asarray(jax.random.key_data(leaf) if is_key else leaf)
        return f"{leaf.dtype}{leaf.shape}".encode() + leaf.tobytes()

    def check(actual: Any, expected: Any) -> None:
        assert jax.tree.structure(actual) == jax.tree.structure(expected)
        for (path, leaf), other in zip(
            jax.tree_util.tree_leaves_with_path(actual), jax.tree.leaves(expected), strict=True
        ):
            assert raw(leaf) == raw(other), jax.tree_util.keystr(path)

    return check

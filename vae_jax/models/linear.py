"""Models with a linear encoder and decoder, whose optimum is known in closed form."""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from vae_jax import pca as closed_form
from vae_jax.arithmetic import bounded_exp
from vae_jax.distributions import Normal, PointMass, standard_normal
from vae_jax.messages import check_sizes
from vae_jax.types import Key, Params
from vae_jax.vae import VAE, Model


def linear(
    example_shape: tuple[int, ...], *, latent_size: int, noise_scale: float | None = None, mean: ArrayLike = 0.0
) -> Model:
    """The linear VAE: q(z|x) = N(V(x − m), diag s²), p(x|z) = N(Wz + m, σ²I).

    At its optimum it is probabilistic PCA, and its ELBO is log p(x), with the columns of W along the principal axes
    (the diagonal posterior picks that rotation).

    Args:
        example_shape: Shape of one example, which is flattened inside.
        latent_size: The number q of latent dimensions.
        noise_scale: σ > 0 for fixed noise; None to learn it, starting at 1.
        mean: Initial m, a number or an array of `example_shape`; it is learned.

    Source: Lucas, Tucker, Grosse & Norouzi 2019, arXiv:1911.02469, equations 9 to 11.
    """
    check_sizes(example_shape=example_shape, latent_size=latent_size)

    def init(key: Key) -> Params:
        params = _linear_maps(key, example_shape, latent_size, mean) | {"log_scale": jnp.zeros(latent_size)}
        return params if noise_scale is not None else params | {"log_noise_scale": jnp.zeros(())}

    def bind(params: Params) -> VAE:
        noise = bounded_exp(params["log_noise_scale"]) if noise_scale is None else jnp.asarray(noise_scale)
        return VAE(
            lambda x: Normal(_encode(params, x), bounded_exp(params["log_scale"])),
            lambda z: Normal(_decode(params, z, example_shape), noise),
            standard_normal(latent_size),
        )

    return Model(init, bind)


def linear_autoencoder(example_shape: tuple[int, ...], *, latent_size: int, mean: ArrayLike = 0.0) -> Model:
    """The linear autoencoder: code V(x − m), reconstruction Wz + m, unit Gaussian likelihood (squared error).

    Its optimum spans the subspace of PCA, in a basis that the data leave free.

    Args:
        example_shape: Shape of one example, which is flattened inside.
        latent_size: The size of the code.
        mean: Initial m, a number or an array of `example_shape`; it is learned.

    Source: Baldi & Hornik 1989, Neural Networks 2(1), theorem in section 3.
    """
    check_sizes(example_shape=example_shape, latent_size=latent_size)

    def init(key: Key) -> Params:
        return _linear_maps(key, example_shape, latent_size, mean)

    def bind(params: Params) -> VAE:
        return VAE(
            lambda x: PointMass(_encode(params, x)),
            lambda z: Normal(_decode(params, z, example_shape), jnp.ones(())),
            standard_normal(latent_size),
        )

    return Model(init, bind)


def pca(data: Float[ArrayLike, "num *event"], *, latent_size: int) -> Model:
    """PCA as a model that needs no training: `init` solves it, code Pᵀ(x − mean), reconstruction Pz + mean.

    Args:
        data: The training examples.
        latent_size: The number of principal components.
    """
    data = jnp.asarray(data)
    example_shape = data.shape[1:]

    def init(key: Key) -> Params:
        del key  # the solution is unique up to the signs, which `closed_form.pca` fixes
        solution = closed_form.pca(data.reshape(len(data), -1), latent_size)
        return {"encoder": solution.components, "decoder": solution.components, "mean": solution.mean}

    def bind(params: Params) -> VAE:
        return VAE(
            lambda x: PointMass(_encode(params, x)),
            lambda z: Normal(_decode(params, z, example_shape), jnp.ones(())),
            standard_normal(latent_size),
        )

    return Model(init, bind)


def _linear_maps(key: Key, example_shape: tuple[int, ...], latent_size: int, mean: ArrayLike) -> Params:
    encoder_key, decoder_key = jax.random.split(key)
    initial = jax.nn.initializers.glorot_uniform()
    shape = (math.prod(example_shape), latent_size)
    return {
        "encoder": initial(encoder_key, shape),
        "decoder": initial(decoder_key, shape),
        "mean": jnp.broadcast_to(jnp.asarray(mean, jnp.float32), example_shape).reshape(-1),
    }


def _encode(params: Params, x: Array) -> Array:
    return (x.reshape(-1) - params["mean"]) @ params["encoder"]


def _decode(params: Params, z: Array, example_shape: tuple[int, ...]) -> Array:
    return (params["decoder"] @ z + params["mean"]).reshape(example_shape)

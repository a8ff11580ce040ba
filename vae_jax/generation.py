"""Samples of a trained VAE, reconstructions, and walks through its latent space.

Pure functions of a `VAE`: jit them with the parameters as an argument, `jax.jit(lambda params: sample(key,
model.bind(params), 64))`. For a `Conditional`, `given(condition)` is the VAE to sample and decode with. The walks come
in two parts, the codes (`*_codes`) and the decoding, because a large model may have to decode the same codes in several
batches.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax.scipy.stats import norm
from jaxtyping import Array, ArrayLike, Float, Int

from vae_jax.distributions.centre import centre, is_on_sphere
from vae_jax.types import Key
from vae_jax.vae import VAE, Conditional, at_example, given


def sample(key: Key, vae: VAE | Conditional, num: int, *, conditions: Any = None, mean: bool = True) -> Any:
    """New examples: z ~ p(z), then the mean of p(x|z); for a `Conditional` z ~ p(z|c), then the mean of p(x|z, c).

    Args:
        key: A random key.
        vae: The model, parameters bound.
        num: The number of examples.
        conditions: For a `Conditional`, the conditions to sample under, one for each example along the first axis.
        mean: Whether to return the mean of p(x|z), which is what is usually shown; False draws x ~ p(x|z), pixel noise
            and all.

    Returns:
        (num, *event), or a pytree of such arrays where x has several parts.

    Example:
        >>> from vae_jax.distributions import Normal, standard_normal
        >>> vae = VAE(lambda x: Normal(x, jnp.ones(2)), lambda z: Normal(z, jnp.ones(2)), standard_normal(2))
        >>> sample(jax.random.key(0), vae, 5).shape
        (5, 2)
    """
    one = lambda key, condition: sample_one(key, vae, condition, mean=mean)
    return jax.vmap(one)(jax.random.split(key, num), conditions)


def sample_one(key: Key, vae: VAE | Conditional, condition: Any = None, *, mean: bool = True) -> Any:
    """One of the examples of `sample`, of one of the keys that its key is split into; under one condition."""
    prior_key, likelihood_key = jax.random.split(key)
    of_condition = given(vae, condition)
    likelihood = of_condition.likelihood(of_condition.prior.sample(prior_key))
    return likelihood.mean() if mean else likelihood.sample(likelihood_key)


def encode(vae: VAE | Conditional, examples: Any) -> Any:
    """The codes of examples, (num, *latent): the `centre` of q(z|x) for each, under its condition if it has one."""

    def one(example: Any) -> Array:
        of_example, x = at_example(vae, example)
        return centre(of_example.posterior(x))

    return jax.vmap(one)(examples)


def decode(vae: VAE | Conditional, codes: Any, conditions: Any = None) -> Any:
    """The pictures of codes: the mean of p(x|z) for each; for a `Conditional`, under one condition each.

    Args:
        vae: The model, parameters bound.
        codes: (num, *latent), or a pytree of such arrays, for a hierarchy.
        conditions: (num, *condition), for a `Conditional`.

    Returns:
        (num, *event), or a pytree of such arrays where x has several parts.
    """
    return jax.vmap(lambda z, condition: given(vae, condition).likelihood(z).mean())(codes, conditions)


def reconstruct(vae: VAE | Conditional, examples: Any) -> Any:
    """Examples after a pass through the bottleneck: decoded from their codes, without any noise.

    Returns:
        (num, *event), or a pytree of such arrays where x has several parts.
    """
    return jax.vmap(lambda example: reconstruct_one(*at_example(vae, example)))(examples)


def complete(vae: Conditional, examples: Mapping[str, Any], *seen: str) -> Any:
    """All modalities of examples, decoded without noise from the code of those that are seen: cross generation.

    Args:
        vae: A model of `models.multimodal`, parameters bound.
        examples: name -> (num, *part), an entry for each modality; those that are not seen may hold anything. A
            `condition` among them is not used.
        *seen: The modalities that the encoder is given; none for the centre of the prior.

    Returns:
        name -> (num, *part).

    Raises:
        ValueError: If a name is not one of the modalities.
    """
    parts = {name: part for name, part in examples.items() if name != "condition"}
    if unknown := [name for name in seen if name not in parts]:
        raise ValueError(f"expected modalities of the examples ({', '.join(parts)}); got '{unknown[0]}'")
    num = len(jax.tree.leaves(parts)[0])
    return reconstruct(vae, {**parts, "condition": {name: jnp.full(num, name in seen) for name in parts}})


def reconstruct_rows(
    vae: VAE | Conditional, examples: Any, num_classes: Mapping[int, int]
) -> Float[Array, "num columns"]:
    """Rows of a table after a pass through the bottleneck; of classes, whose codes have no mean, the likeliest one.

    Args:
        vae: The model, parameters bound; its p(x|z) has independent columns.
        examples: The rows as the model sees them, (num, columns), or with a condition each.
        num_classes: Column -> k, of the columns that hold the codes 0, ..., k − 1 of k classes.
    """
    return jax.vmap(lambda example: reconstruct_one(*at_example(vae, example), num_classes))(examples)


def reconstruct_one(vae: VAE, x: Any, num_classes: Mapping[int, int] | None = None) -> Any:
    """One x decoded from its code, without any noise; `num_classes` as of `reconstruct_rows`."""
    likelihood = vae.likelihood(centre(vae.posterior(x)))
    mean = likelihood.mean()
    for column, num in (num_classes or {}).items():
        codes = jnp.arange(num, dtype=mean.dtype)
        of_codes = jax.vmap(lambda code, column=column: likelihood.log_prob(x.at[column].set(code)))(codes)
        mean = mean.at[column].set(codes[of_codes.argmax()])
    return mean


def manifold(
    vae: VAE,
    num_per_side: int,
    *,
    loc: Float[ArrayLike, ""] | Float[ArrayLike, "2"] = 0.0,
    scale: Float[ArrayLike, ""] | Float[ArrayLike, "2"] = 1.0,
) -> Float[Array, "row column *event"]:
    """Everything that a two-dimensional latent space holds, decoded on the grid of `manifold_codes`.

    Args:
        vae: The model, parameters bound; its latent has shape (2,).
        num_per_side: n, the number of pictures along each side.
        loc: The centre of the Gaussian whose quantiles are taken; 0 is that of the standard normal prior.
        scale: The standard deviation of that Gaussian; 1 is that of the prior.

    Returns:
        Examples, (n, n, *event): rows from the top of the picture to the bottom, columns from left to right. The
        first latent grows rightwards and the second *upwards*, as on the axes of a plot.

    Raises:
        ValueError: If the latent is not two-dimensional.

    Source: Kingma & Welling 2014, arXiv:1312.6114, appendix A, figure 4.
    """
    shape = jax.tree.map(jnp.shape, jax.eval_shape(vae.prior.mean))
    if shape != (2,):
        raise ValueError(
            f"expected a VAE whose latent has shape (2,); got {shape}; "
            "use traversals, or train a model with two latent dimensions"
        )
    return _decode_grid(vae, manifold_codes(num_per_side, loc=loc, scale=scale))


def manifold_codes(
    num_per_side: int,
    *,
    loc: Float[ArrayLike, ""] | Float[ArrayLike, "2"] = 0.0,
    scale: Float[ArrayLike, ""] | Float[ArrayLike, "2"] = 1.0,
) -> Float[Array, "row column 2"]:
    """The centres of n × n cells of equal prior probability: Φ⁻¹ of a regular grid on the unit square.

    Args:
        num_per_side: n, the number of codes along each side.
        loc: The mean of the Gaussian, a number or one for each latent.
        scale: Its standard deviation, a number or one for each latent.

    Returns:
        Codes, (n, n, 2); the top row has the largest second latent.

    Example:
        >>> manifold_codes(2)[0].round(3).tolist()  # the upper row, from left to right
        [[-0.67..., 0.67...], [0.67..., 0.67...]]
    """
    quantiles = norm.ppf((jnp.arange(num_per_side) + 0.5) / num_per_side)
    first, second = jnp.meshgrid(quantiles, quantiles[::-1])
    return jnp.asarray(loc) + jnp.asarray(scale) * jnp.stack([first, second], axis=-1)


def traversals(
    vae: VAE | Conditional,
    x: Any,
    num_values: int,
    *,
    num_deviations: float = 2.0,
    scale: Float[ArrayLike, ""] | Float[ArrayLike, " latent"] = 1.0,
    dimensions: Sequence[int] | Int[ArrayLike, " dimension"] | None = None,
) -> Float[Array, "dimension num_values *event"]:
    """One latent varied at a time, the others held at the code of one example.

    Args:
        vae: The model, parameters bound; its latent is a vector.
        x: The example in whose neighbourhood to walk, under its condition if it has one.
        num_values: The number of pictures along each walk; if odd, the middle one is the reconstruction of x.
        num_deviations: The distance to go on each side of the code, in units of `scale`.
        scale: The standard deviation of a latent, a number or one for each; 1 is that of the standard normal prior.
        dimensions: The latents to vary, in the order to show them (those of largest KL, say); by default all. An index
            that does not exist gives NaN, since a traced index cannot be refused.

    Returns:
        Examples, (dimension, num_values, *event), the varied latent growing along the second axis.
    """
    vae, x = at_example(vae, x)
    posterior = vae.posterior(x)
    codes = traversal_codes(
        centre(posterior),
        num_values,
        num_deviations=num_deviations,
        scale=scale,
        dimensions=dimensions,
        on_sphere=is_on_sphere(posterior),
    )
    return _decode_grid(vae, codes)


def traversal_codes(
    code: Float[Array, " latent"],
    num_values: int,
    *,
    num_deviations: float = 2.0,
    scale: Float[ArrayLike, ""] | Float[ArrayLike, " latent"] = 1.0,
    dimensions: Sequence[int] | Int[ArrayLike, " dimension"] | None = None,
    on_sphere: bool = False,
) -> Float[Array, "dimension num_values latent"]:
    """The codes of `traversals`, around one code: z + t σᵢ eᵢ for t from −`num_deviations` to +`num_deviations`.

    On the sphere a walk goes along the great circle through z towards eᵢ, by t σᵢ radians.

    Example:
        >>> traversal_codes(jnp.zeros(2), 3, num_deviations=1.0)[0].tolist()
        [[-1.0, 0.0], [0.0, 0.0], [1.0, 0.0]]
    """
    axes = jnp.eye(code.size) * jnp.asarray(scale)
    if dimensions is not None:
        axes = axes.at[jnp.asarray(dimensions)].get(mode="fill", fill_value=jnp.nan)
    offsets = jnp.linspace(-num_deviations, num_deviations, num_values)
    if on_sphere:
        return jax.vmap(lambda axis: _along_circle(code, axis, offsets * jnp.linalg.norm(axis)))(axes)
    return code + offsets[:, None] * axes[:, None]


def interpolate(vae: VAE, a: Any, b: Any, num: int) -> Float[Array, "num *event"]:
    """The straight line between the codes of two examples, or on a sphere the shorter arc, decoded.

    Args:
        vae: The model, parameters bound; its latent is a vector.
        a: The example at the start.
        b: The example at the end.
        num: The number of pictures along the line, ends included.

    Returns:
        Examples; the first is the reconstruction of a and the last that of b.
    """
    start, end = vae.posterior(a), vae.posterior(b)
    return decode(vae, interpolation_codes(centre(start), centre(end), num, on_sphere=is_on_sphere(start)))


def interpolation_codes(
    a: Float[Array, " latent"], b: Float[Array, " latent"], num: int, *, on_sphere: bool = False
) -> Float[Array, "num latent"]:
    """`num` points at equal distances on the line from code a to code b, or on the arc of the sphere; ends included.

    Source: Shoemake 1985, "Animating rotation with quaternion curves" (spherical linear interpolation).

    Example:
        >>> interpolation_codes(jnp.eye(2)[0], jnp.eye(2)[1], 3, on_sphere=True)[1].round(4).tolist()
        [0.707..., 0.707...]
    """
    if not on_sphere:
        return jnp.linspace(a, b, num)
    angle = 2 * jnp.arctan2(jnp.linalg.norm(a - b), jnp.linalg.norm(a + b))
    return _along_circle(a, b, jnp.linspace(0, angle, num))


def _along_circle(
    start: Float[Array, " latent"], towards: Float[Array, " latent"], angles: Float[Array, " num"]
) -> Float[Array, "num latent"]:
    """Points of the great circle from a unit vector towards another, at these angles.

    Where the two lie on one line, every circle through the first leads to the second, and one of them is taken.
    """
    across = lambda vector: vector - (vector @ start) * start
    to_some = across(jnp.eye(start.size)[jnp.argmin(jnp.abs(start))])
    is_aligned = jnp.linalg.norm(across(towards)) < 1e-6 * jnp.linalg.norm(towards)
    tangent = jnp.where(is_aligned, to_some, across(towards))
    tangent /= jnp.linalg.norm(tangent)
    return jnp.cos(angles)[:, None] * start + jnp.sin(angles)[:, None] * tangent


def _decode_grid(vae: VAE, codes: Float[Array, "row column latent"]) -> Any:
    return jax.vmap(lambda row: decode(vae, row))(codes)

"""The tokenizer of images: pixels, features and a discriminator of patches. For `adversarial_trainer`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Scalar

from vae_jax.axis import keys_of_share, mean_over
from vae_jax.objectives.batch import over_batch
from vae_jax.objectives.bounds.elbo import elbo
from vae_jax.objectives.of_a_batch.codes import over_codes
from vae_jax.objectives.of_a_batch.discriminator import Discriminator, telling_apart
from vae_jax.stated import coupled, couples_examples
from vae_jax.types import BatchObjective, Key, Metrics, Values
from vae_jax.vae import VAE

_ELBO = over_batch(elbo)
Features = Callable[[Array], Sequence[Array]]
"""An image -> arrays of it, such as the layers of a network that was trained before."""


@coupled
def tokenizer(
    key: Key,
    vae: VAE,
    discriminator: Discriminator,
    batch: Any,
    step: Scalar | int,
    /,
    *,
    objective: BatchObjective = _ELBO,
    features: Features = lambda image: (),
    feature_weight: float | Scalar = 1.0,
    adversarial_weight: float | Scalar = 1.0,
    start_step: int | Scalar = 0,
    axis_name: str | None = None,
) -> Values:
    """An autoencoder's objective, less a distance of features, and a reward for patches that pass for real.

    B(x) − w_f Σₗ ‖fₗ(x) − fₗ(x̂)‖² + w_a λ s̄(x̂): x̂ is the mean of p(x|z), s̄ the mean over patches of log s(D(x̂)), the
    log-probability that the discriminator takes a patch for real. λ = ‖∇_L r‖/(‖∇_L s̄‖ + 10⁻⁶) makes the two gradients
    equally long at the weight L of the decoder's last layer, with r = log p(x|z) − w_f Σₗ ‖fₗ(x) − fₗ(x̂)‖², and both of
    the whole batch; no gradient flows through λ.

    Args:
        key: A random key.
        vae: A model that shows its last layer, `models.with_last_layer`, parameters bound.
        discriminator: A function from an image to logits of patches, high for real ones: `networks.grid_encoder` of
            size 1.
        batch: The images, along the first axis.
        step: The training step.
        objective: B, the objective of a batch: the ELBO, `over_batch(partial(elbo, beta=1e-3))`, or
            `quantised_autoencoder`. What it shows to `Model.after` is passed on.
        features: f, which is not trained.
        feature_weight: w_f ≥ 0.
        adversarial_weight: w_a ≥ 0, a number or a traced scalar.
        start_step: The step from which the reward counts; before it the discriminator learns alone.
        axis_name: Name of the axis of devices that the batch is spread over.

    Returns:
        Nats for each example (higher is better), which bound nothing; metrics are those of B, `feature_distance`,
        `passes_for_real` (s̄, −log 2 where the discriminator cannot tell) and `adaptive_weight` (λ).

    Raises:
        TypeError: If the model does not show its last layer.

    Source: Esser, Rombach & Ommer 2021, arXiv:2012.09841, equations 5 to 7; Rombach et al. 2022, arXiv:2112.10752.
        Differs from the paper: features enter by their squared distance, whatever network they are of; the reward is
        log s(D), whose gradient does not vanish where the discriminator is sure; both players move at once.
    """
    likelihood: Any = vae.likelihood
    if not hasattr(likelihood, "last_weight"):
        raise TypeError(
            "expected a model that shows the last layer of its decoder, at which losses are weighed; use "
            "models.with_last_layer"
        )
    own_key, codes_key = _keys(key)
    is_coupled = couples_examples(objective)
    options = {"axis_name": axis_name} if is_coupled else {}
    keys = own_key if is_coupled else keys_of_share(own_key, batch, axis_name)
    values, metrics, *seen = objective(keys, vae, batch, step, **options)
    z = over_codes(codes_key, vae, batch, lambda draw, x: draw.z, axis_name)

    def terms(weight: Array) -> tuple[Float[Array, " batch"], Float[Array, " batch"], Float[Array, " batch"]]:
        def of_one(z: Any, x: Array) -> tuple[Scalar, Scalar, Scalar]:
            decoded = likelihood.at(weight, z)
            image = decoded.mean()
            distances = [
                jnp.sum((of_x - of_image) ** 2) for of_x, of_image in zip(features(x), features(image), strict=True)
            ]
            distance = sum(distances, jnp.zeros(()))
            return decoded.log_prob(x), distance, jax.nn.log_sigmoid(discriminator(image)).mean()

        return jax.vmap(of_one)(z, batch)

    def means(weight: Array) -> tuple[Scalar, Scalar]:
        log_likelihood, distance, passes = terms(weight)
        return (log_likelihood - feature_weight * distance).mean(), passes.mean()

    slopes = mean_over(jax.jacrev(means)(likelihood.last_weight), axis_name)
    of_pixels, of_patches = (jnp.sqrt(jnp.sum(slope**2)) for slope in slopes)
    ratio = jax.lax.stop_gradient(of_pixels / (of_patches + 1e-6))
    _, distance, passes = terms(likelihood.last_weight)
    weight = jnp.where(jnp.asarray(step) >= start_step, adversarial_weight * ratio, 0.0)
    own = {
        "feature_distance": distance,
        "passes_for_real": passes,
        "adaptive_weight": jnp.broadcast_to(ratio, values.shape),
    }
    return values - feature_weight * distance + weight * passes, metrics | own, *seen  # pyright: ignore


@coupled
def patch_discriminator(
    key: Key,
    vae: VAE,
    discriminator: Discriminator,
    batch: Any,
    step: Scalar | int,
    /,
    *,
    axis_name: str | None = None,
) -> tuple[Float[Array, " batch"], Metrics]:
    """The log-probability of telling patches of images from those of their reconstructions: the second player's part.

    Args:
        key: A random key, the same as the model's: both see the same codes.
        vae: The model, parameters bound.
        discriminator: A function from an image to logits of patches, its parameters bound.
        batch: The images, along the first axis.
        step: The training step; without effect.
        axis_name: Name of the axis of devices that the batch is spread over.

    Returns:
        Those of `telling_apart`, means over the patches: nats, higher is better for the discriminator, and `accuracy`.

    Source: Esser et al. 2021, arXiv:2012.09841, equation 5; Isola et al. 2017, arXiv:1611.07004, section 3.2.2.
    """
    del step
    _, codes_key = _keys(key)
    images = over_codes(codes_key, vae, batch, lambda draw, x: draw.likelihood.mean(), axis_name)
    return telling_apart(discriminator, batch, images)


def _keys(key: Key) -> tuple[Key, Key]:
    own_key, codes_key = jax.random.split(key)
    return own_key, codes_key

"""VAEs of several modalities: an image and a caption, a digit in two hands; any of them may be missing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool

from vae_jax.distributions import Normal, Observed, Product, product_of_experts, standard_normal
from vae_jax.messages import check_sizes
from vae_jax.models.likelihoods import Likelihood
from vae_jax.models.posteriors import diagonal
from vae_jax.networks import Network
from vae_jax.types import Distribution, Key, Params
from vae_jax.vae import VAE, Conditional, Model

Joined = Callable[[Normal, Bool[Array, " expert"], Normal], Distribution]
"""(experts, is_present, prior) -> q(z|x)."""


class Modality(NamedTuple):
    """One of several parts of an example, with an encoder, a decoder and a likelihood of its own."""

    encoder: Network
    """From the part to 2 · latent_size numbers: the means, then the logarithms of the scales of its expert."""
    decoder: Network
    """From the latents to the array that the likelihood expects."""
    likelihood: Likelihood
    """The family of p(xₘ|z)."""


def multimodal(modalities: Mapping[str, Modality], *, latent_size: int, joined: Joined = product_of_experts) -> Model:
    """The VAE of several modalities that share their latents, p(z) Πₘ p(xₘ|z).

    An example is a dict with an entry for each modality, and with the `condition`, a dict that says by the same names
    whether each is present. A missing modality has no expert and no likelihood; what stands in its place does not
    matter. From the code of some modalities all are decoded: see `generation.complete`.

    Args:
        modalities: name -> encoder, decoder and likelihood.
        latent_size: The number of latent dimensions.
        joined: The way from the experts to q(z|x): `distributions.product_of_experts`, trained by `objectives.elbo`;
            `mixture_of_experts` or `mixture_of_products`, trained by `objectives.stratified_elbo`.

    Returns:
        A model with the parameters `{"encoders", "decoders", "likelihoods"}`, by the modalities' names, whose `bind`
        makes a `Conditional`.

    Raises:
        ValueError: If there is no modality, or one is called `condition`; when it is traced, if an example or its
            condition has other entries than the modalities.

    Source: Wu & Goodman 2018, arXiv:1802.05335; Shi et al. 2019, arXiv:1911.03393; Sutter et al. 2021,
    arXiv:2105.02470.

    Example:
        >>> from vae_jax.models import likelihoods
        >>> from vae_jax.networks import mlp
        >>> part = lambda size: Modality(mlp((size,), (4,)), mlp((2,), (size,)), likelihoods.bernoulli())
        >>> model = multimodal({"image": part(6), "word": part(3)}, latent_size=2)
        >>> vae = model.bind(model.init(jax.random.key(0))).given({"image": True, "word": False})
        >>> x = {"image": jnp.zeros(6), "word": jnp.zeros(3)}
        >>> jax.tree.map(jnp.shape, vae.likelihood(vae.posterior(x).mean()).mean())
        {'image': (6,), 'word': (3,)}
    """
    check_sizes(latent_size=latent_size)
    names = sorted(modalities)
    if not names or "condition" in names:
        raise ValueError(
            f"expected modalities by name, none of them 'condition', which says what is present; got {names}"
        )
    posterior_of, prior = diagonal().bind, standard_normal(latent_size)

    def init(key: Key) -> Params:
        keys = dict(zip(names, jax.random.split(key, (len(names), 3)), strict=True))
        return {
            "encoders": {name: modalities[name].encoder.init(keys[name][0]) for name in names},
            "decoders": {name: modalities[name].decoder.init(keys[name][1]) for name in names},
            "likelihoods": {name: modalities[name].likelihood.init(keys[name][2]) for name in names},
        }

    def bind(params: Params) -> Conditional:
        def expert(name: str, x: Any, is_present: Any) -> Normal:
            # Nothing of a missing part reaches the network: it may hold NaN.
            seen = jax.tree.map(lambda leaf: jnp.where(is_present, leaf, jnp.zeros_like(leaf)), x)
            return posterior_of(modalities[name].encoder.apply(params["encoders"][name], seen))  # pyright: ignore

        def part(name: str, z: Any) -> Distribution:
            output = modalities[name].decoder.apply(params["decoders"][name], z)
            return modalities[name].likelihood.bind(params["likelihoods"][name], output)

        def given(condition: Any) -> VAE:
            _check_names("a condition that says whether each modality is present", condition, names)
            present = {name: jnp.asarray(condition[name], bool) for name in names}

            def posterior(x: Any) -> Distribution:
                _check_names("an example with an entry for each modality", x, names)
                experts = [expert(name, x[name], present[name]) for name in names]
                stacked = jax.tree.map(lambda *leaves: jnp.stack(leaves), *experts)
                return joined(stacked, jnp.stack([present[name] for name in names]), prior)

            def likelihood(z: Any) -> Product:
                return Product({name: Observed(part(name, z), present[name]) for name in names})

            return VAE(posterior, likelihood, prior)

        return Conditional(given)

    return Model(init, bind)


def _check_names(what: str, got: Any, names: list[str]) -> None:
    if not isinstance(got, Mapping) or sorted(got) != names:
        entries = f"a dict of {', '.join(map(str, sorted(got)))}" if isinstance(got, Mapping) else type(got).__name__
        raise ValueError(f"expected {what}, {', '.join(names)}; got {entries}; data.all_present adds the condition")

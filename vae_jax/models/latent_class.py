"""Models with a class among their latents: what a conditional VAE is told, these infer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from vae_jax.distributions import Categorical
from vae_jax.hierarchy import Group, top_down
from vae_jax.models.posteriors import diagonal
from vae_jax.networks import Network
from vae_jax.types import Key, Params
from vae_jax.vae import VAE, Model


def with_latent_class(model: Model, classifier: Network, *, num_classes: int) -> Model:
    """The conditional model with its condition as a latent: p(y) p(z|y) p(x|z, y), and q(y|x) q(z|x, y).

    The class y, a one-hot vector, is the top group of a hierarchy, uniform before anything is seen; below it is the
    group `code`. Over a model whose decoder is told y and whose prior is not, it is M2; over one whose prior is told y
    and whose decoder is not, a Gaussian-mixture VAE.

    Args:
        model: A model of `conditional`, whose conditions are one-hot vectors.
        classifier: From x to the logits of q(y|x).
        num_classes: K ≥ 2.

    Returns:
        A model with the parameters `{"model", "classifier"}`; train it by `objectives.elbo_over_classes`, or
        `objectives.semi_supervised` where some classes are known.

    Source: M2: Kingma, Rezende, Mohamed & Welling 2014, arXiv:1406.5298, section 2. Gaussian mixture: Dilokthanakul et
    al. 2016, arXiv:1611.02648, in the form of Rui Shu 2016, "Gaussian Mixture VAE: Lessons in Variational Inference",
    where q(y|x) is a network and z has no prior of its own above the class.

    Example:
        >>> from vae_jax.models import conditional, likelihoods
        >>> from vae_jax.networks import joined, mlp
        >>> encoder, decoder = joined(mlp((6 + 3,), (4,))), joined(mlp((2 + 3,), (6,)))
        >>> given = conditional(encoder, decoder, likelihoods.bernoulli(), latent_size=2)
        >>> model = with_latent_class(given, mlp((6,), (3,)), num_classes=3)
        >>> model.bind(model.init(jax.random.key(0))).prior.names
        ('class', 'code')
    """
    vae = lambda params, label: model.bind(params["model"]).given(label)
    groups = {
        "class": _class_group(classifier, num_classes, lambda x: x),
        "code": Group(
            prior=lambda params, label: vae(params, label).prior,
            posterior=lambda params, label, x: vae(params, label).posterior(x),
            down=lambda params, label, z: (label, z),
        ),
    }

    def init(key: Key) -> Params:
        model_key, classifier_key = jax.random.split(key)
        return {"model": model.init(model_key), "classifier": classifier.init(classifier_key)}

    bind = top_down(
        groups,
        start=lambda params: (),
        features=lambda params, x: x,
        read=lambda params, state: vae(params, state[0]).likelihood(state[1]),
    )
    return Model(init, bind)


def m1_m2(
    m1: Model, classifier: Network, encoder: Network, decoder: Network, *, num_classes: int, latent_size: int
) -> Model:
    """M2 on the codes of M1: p(y) p(z₂) p(z₁|y, z₂) p(x|z₁), and q(z₁|x) q(y|z₁) q(z₂|z₁, y).

    Groups, from the top: `class`, `style` (z₂) and `code` (z₁). The networks of M2 read the mean of q(z₁|x).

    Args:
        m1: A model with a normal posterior; its prior is replaced.
        classifier: From z₁ to the logits of q(y|z₁).
        encoder: From a pair (z₁, y) to 2 · latent_size numbers.
        decoder: From a pair (z₂, y) to twice as many numbers as z₁ has.
        num_classes: K ≥ 2.
        latent_size: The size of z₂.

    Returns:
        A model with the parameters `{"m1", "classifier", "encoder", "decoder"}`; `apart` trains its halves without a
        gradient between them, as in the paper.

    Source: Kingma, Rezende, Mohamed & Welling 2014, arXiv:1406.5298, section 2, equation 3. Differs from the paper:
    M2 reads the mean of z₁, not a draw.
    """
    normal = diagonal()
    parts = {"m1": m1, "classifier": classifier, "encoder": encoder, "decoder": decoder}
    groups = {
        "class": _class_group(classifier, num_classes, lambda code: code.mean()),
        "style": Group(
            prior=lambda params, label: normal.prior(latent_size),
            posterior=lambda params, label, code: normal.bind(encoder.apply(params["encoder"], (code.mean(), label))),
            down=lambda params, label, z: normal.bind(decoder.apply(params["decoder"], (z, label))),
        ),
        "code": Group(
            prior=lambda params, code: code,
            posterior=lambda params, above, code: code,
            down=lambda params, above, z: z,
        ),
    }

    def init(key: Key) -> Params:
        keys = jax.random.split(key, len(parts))
        return {name: part.init(key) for (name, part), key in zip(parts.items(), keys, strict=True)}

    bind = top_down(
        groups,
        start=lambda params: (),
        features=lambda params, x: m1.bind(params["m1"]).posterior(x),
        read=lambda params, z: m1.bind(params["m1"]).likelihood(z),
    )
    return Model(init, bind)


def apart(m1: Model, model: Model) -> Model:
    """The model of `m1_m2` bound twice, as the pair (M1 alone, the whole with M1 held), for `objectives.side_by_side`.

    M1 is trained as if M2 were not there, and M2 on the codes of M1 as they are: two stages of training, taken at once.

    Args:
        m1: The model of M1.
        model: The model that `m1_m2` made of it.
    """

    def bind(params: Params) -> tuple[VAE, VAE]:
        held = params | {"m1": jax.lax.stop_gradient(params["m1"])}
        return m1.bind(params["m1"]), model.bind(held)

    return model._replace(bind=bind)


def _class_group(classifier: Network, num_classes: int, seen: Callable[[Any], Any]) -> Group:
    return Group(
        prior=lambda params, above: Categorical(jnp.zeros(num_classes)),
        posterior=lambda params, above, features: Categorical(classifier.apply(params["classifier"], seen(features))),
        down=lambda params, above, label: label,
    )

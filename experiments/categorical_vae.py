"""Categorical latents, 20 of 10 categories each, by four gradients on one net.

Jang, Gu & Poole 2017 (arXiv:1611.01144): Gumbel-softmax, and straight through it; beside them the score function
(Williams 1992) and its leave-one-out form (Mnih & Rezende 2016, arXiv:1602.06725). All are evaluated with latents that
are discrete.

Measured (`vae-jax train categorical_vae --num-epochs 4 --gradient ...`): NLL 110.9 by Gumbel-softmax, 115.7 straight
through, 120.4 by leave-one-out, 169.2 by the score function, with 100 importance samples (docs/results/codes.md).

Data: 'vae-jax data prepare binarized_mnist'.
"""

from dataclasses import dataclass
from functools import partial
from typing import Annotated, Literal

import vae_jax as vj


@dataclass(frozen=True)
class Config(vj.standard.OnMnist):
    data: vj.DataConfig = vj.DataConfig("binarized_mnist")
    """Images of zeros and ones."""
    latent_size: int = 20
    """Categorical variables, of `num_categories` each."""
    num_categories: int = 10
    """Categories of a latent."""
    gradient: Literal["gumbel_softmax", "straight_through", "score_function", "leave_one_out"] = "gumbel_softmax"
    """The gradient through a draw: of relaxed draws, as if draws were relaxed, or of their log-probabilities."""
    temperature: Annotated[float, vj.Range(above=0)] = 2 / 3
    """Temperature of the relaxation."""
    num_samples: int = 4
    """Draws an example; leave_one_out needs 2."""


def experiment(config: Config, data: "vj.data.Dataset") -> "vj.Experiment":
    posterior, score_function = vj.models.posteriors.categorical(config.num_categories), vj.objectives.score_function
    model = vj.standard.fully_connected(config, data.mean(), vj.models.likelihoods.bernoulli(), posterior=posterior)
    elbo = partial(vj.objectives.elbo, num_samples=config.num_samples)

    def through_relaxed(key, vae, x):
        concrete = vj.distributions.Concrete(vae.posterior(x).logits, config.temperature)
        rounded = config.gradient == "straight_through"
        q = vj.distributions.StraightThrough(concrete) if rounded else concrete
        # The KL is that of the categories in either case.
        kl = lambda draw: vj.distributions.kl_divergence(concrete.discrete(), draw.prior)
        return elbo(key, vae._replace(posterior=lambda x: q), x, kl=kl)

    objective = {
        "score_function": partial(elbo, estimator=score_function),
        "leave_one_out": partial(elbo, estimator=vj.objectives.leave_one_out),
    }.get(config.gradient, through_relaxed)
    bound = partial(vj.objectives.elbo, estimator=score_function)
    objective, transform = vj.objectives.over_batch(objective), vj.data.binarise(data)
    return vj.standard.experiment(config, data, model, objective, transform, bound=bound)

"""The ladder VAE: groups of latents above each other, whose posteriors are made where the way up meets the way down.

Sønderby et al. 2016 (arXiv:1602.02282), without batch normalisation, with a deterministic state that tells the pixels
of all groups. Each group has half the latents and half the width of the one below it. `--merge residual_normal` moves
the prior by what the encoder found, instead of weighing both by their precisions.

Measured on static MNIST, a beginning of a training (`vae-jax train ladder_vae --data.name binarized_mnist --data.train
train --data.validation 'validation[:1000]' --data.test 'test[:1000]' --num-epochs 12 --num-warm-up-epochs 4`): ELBO
−100.5 nats and NLL 94.0 ± 0.8 with 1,000 importance samples, of one group −103.3 and 95.5, of six −100.1 and 93.7. Two
groups are in use, of three and of six (docs/results/hierarchies.md).

Data: 'vae-jax data prepare mnist'.
"""

from dataclasses import dataclass
from functools import partial
from typing import Annotated, Literal

import vae_jax as vj


@dataclass(frozen=True)
class Config(vj.standard.Clipped, vj.standard.Training):
    data: vj.DataConfig = vj.DataConfig("mnist", train="train[:50000]", validation="train[50000:]", test="test")
    latent_size: int = 64
    """Latent dimensions of the lowest group; half as many in each one above it, at least 4."""
    num_groups: int = 3
    """Groups of latents above each other; 1 is a plain VAE."""
    hidden_size: int = 256
    """Width of the layers at the lowest group; half of it at each one above it, at least 64."""
    activation: str = "leaky_relu"
    """relu, tanh, gelu, elu, swish or leaky_relu."""
    merge: Literal["precision_weighted", "residual_normal"] = "precision_weighted"
    """Posterior of a group, made of its prior and of what the encoder found."""
    skip: bool = True
    """Whether the pixels are told of all groups, or of the lowest alone."""
    num_epochs: int = 30
    num_warm_up_epochs: int = 5
    """Passes through the training examples until the KL counts in full, from no weight at the start."""
    free_nats: Annotated[float, vj.Range(at_least=0)] = 0.0
    """KL of each group and example that costs nothing; 0 is the evidence lower bound."""


def experiment(config: Config, data: "vj.data.Dataset") -> "vj.Experiment":
    model = vj.models.dense_ladder(
        data.mean(),
        vj.models.likelihoods.bernoulli(),
        latent_sizes=[max(4, config.latent_size // 2**rung) for rung in range(config.num_groups)],
        hidden_sizes=[max(64, config.hidden_size // 2**rung) for rung in range(config.num_groups)],
        activation=config.activation,
        skip=config.skip,
        merge=getattr(vj.models, config.merge),
    )
    beta = vj.objectives.linear_warm_up(config.num_warm_up_epochs * (len(data.train.examples) // config.batch_size))
    penalty = vj.objectives.free_bits(config.free_nats)
    elbo = partial(vj.objectives.elbo, kl=vj.objectives.analytic_kl_per_group, penalty=penalty)
    objective = vj.objectives.over_batch(elbo, beta=beta)
    return vj.standard.experiment(config, data, model, objective, vj.data.binarise(data))

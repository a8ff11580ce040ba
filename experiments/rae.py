"""The regularised autoencoder: a small code and a smooth decoder in place of the noise of a VAE.

Ghosh, Sajjadi, Vergari, Black & Schölkopf 2020 (arXiv:1903.12436): RAE-GP by default; RAE-L2 with `weight_decay`,
RAE-SN with `spectral_norm`. Its codes follow no prior: the samples of the report are drawn from a standard normal, not
from a density fitted to the codes as in the paper.

Measured (`vae-jax train rae`): squared error 13.9 an example on the test split, 16 numbers a code.
"""

from dataclasses import dataclass
from functools import partial

import vae_jax as vj


@dataclass(frozen=True)
class Config(vj.standard.FullyConnected):
    latent_size: int = 16
    beta: float = 0.1
    """Weight of half the squared length of the code, in nats."""
    gradient_weight: float = 1e-2
    """Weight of the squared Jacobian of the decoder, in nats: RAE-GP."""
    num_probes: int = 1
    """Random directions in which that Jacobian is estimated."""
    weight_decay: float = 0.0
    """Weight decay of the decoder's parameters, the gradient of half their squares: RAE-L2."""
    spectral_norm: bool = False
    """Whether the decoder's matrices are divided by their largest singular values: RAE-SN."""


def experiment(config: Config, data: "vj.data.Dataset") -> "vj.Experiment":
    import optax

    likelihood = vj.models.likelihoods.gaussian()
    decoder = vj.standard.decoder(config, likelihood, data.mean(), data.example_shape)
    model = vj.models.autoencoder(
        encoder=vj.standard.encoder(config, data.example_shape, config.latent_size),
        decoder=vj.networks.with_spectral_norm(decoder) if config.spectral_norm else decoder,
        likelihood=likelihood,
        latent_size=config.latent_size,
    )
    norm = partial(vj.objectives.probed_jacobian_norm, num_probes=config.num_probes)
    rae = partial(vj.objectives.rae, beta=config.beta, gradient_weight=config.gradient_weight, jacobian_norm=norm)
    objective = vj.objectives.over_batch(rae)
    # Before Adam's moments, so that it is the gradient of a penalty, and not AdamW's decay.
    is_decayed = {"encoder": False, "decoder": True, "likelihood": False}
    decay = optax.masked(optax.add_decayed_weights(config.weight_decay), is_decayed)
    optimizer = optax.chain(decay, vj.standard.adam(config))
    bound, transform = vj.objectives.autoencoder, vj.data.scale(data.max_value)
    return vj.standard.experiment(config, data, model, objective, transform, optimizer=optimizer, bound=bound)

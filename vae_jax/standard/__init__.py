"""The standard experiment: the fields that most of them have, and the wiring that they share.

An experiment of your own inherits its `Config` from one of these, adds its own fields, and states its model and its
objective; everything else is wired by `experiment`.
"""

from typing import TYPE_CHECKING

from vae_jax.lazy import names_on_first_use

if TYPE_CHECKING:
    from vae_jax.standard.config import (
        Clipped,
        ConvolutionalVae,
        FewLabels,
        FullyConnected,
        LearnedScale,
        OnMnist,
        Training,
        TwoPlayers,
        Vae,
    )
    from vae_jax.standard.networks import (
        conditional,
        convolutional,
        decoder,
        encoder,
        fully_connected,
        initial_scale,
    )
    from vae_jax.standard.wiring import adam, adam_along_cosine, adversarial, budget, experiment, with_few_labels

_HOMES = {
    "Clipped": "config",
    "ConvolutionalVae": "config",
    "FewLabels": "config",
    "FullyConnected": "config",
    "LearnedScale": "config",
    "OnMnist": "config",
    "Training": "config",
    "TwoPlayers": "config",
    "Vae": "config",
    "conditional": "networks",
    "convolutional": "networks",
    "decoder": "networks",
    "encoder": "networks",
    "fully_connected": "networks",
    "initial_scale": "networks",
    "adam": "wiring",
    "adam_along_cosine": "wiring",
    "adversarial": "wiring",
    "budget": "wiring",
    "experiment": "wiring",
    "with_few_labels": "wiring",
}

__all__ = [
    "Clipped",
    "ConvolutionalVae",
    "FewLabels",
    "FullyConnected",
    "LearnedScale",
    "OnMnist",
    "Training",
    "TwoPlayers",
    "Vae",
    "adam",
    "adam_along_cosine",
    "adversarial",
    "budget",
    "conditional",
    "convolutional",
    "decoder",
    "encoder",
    "experiment",
    "fully_connected",
    "initial_scale",
    "with_few_labels",
]


__getattr__ = names_on_first_use(__name__, _HOMES)


def __dir__() -> list[str]:
    return sorted(__all__)

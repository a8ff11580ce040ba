"""The fields that most experiments share, to inherit a `Config` from.

A `Config` adds fields of its own, and gives inherited ones other defaults; where their meaning is the same, so is their
docstring, which is inherited with them. Inherited fields come first, in the order of the class that declares them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from vae_jax.data.config import DataConfig
from vae_jax.ranges import Range


@dataclass(frozen=True)
class Training:
    """The fields of every experiment that is trained by Adam."""

    seed: int = 0
    """Seed of the parameters, the order of the examples, and all noise."""
    data: DataConfig = DataConfig("mnist_5k")  # noqa: RUF009 (frozen)
    """The digits to learn."""
    latent_size: int = 20
    """Latent dimensions."""
    learning_rate: Annotated[float, Range(at_least=0)] = 1e-3
    """Learning rate of Adam."""
    batch_size: int = 100
    """Examples a step."""
    num_epochs: int = 40
    """Passes through the training examples."""


@dataclass(frozen=True)
class Clipped:
    """A limit to the gradient, beside `Training`."""

    max_gradient_norm: Annotated[float, Range(above=0)] = 1e3
    """The gradient is scaled down to this norm where it is longer."""


@dataclass(frozen=True)
class LearnedScale:
    """The start of a learned noise, beside `Training`."""

    initial_scale: Annotated[float | None, Range(above=0)] = None
    """Scale at which the noise of the likelihood begins; none for half the deviation of the data."""


@dataclass(frozen=True)
class FullyConnected(Training):
    """The fields of an experiment with two multilayer perceptrons."""

    hidden_sizes: tuple[int, ...] = (400,)
    """Widths of the encoder's hidden layers; the decoder has them in reverse."""
    activation: str = "relu"
    """relu, tanh, gelu, elu, swish or leaky_relu."""


@dataclass(frozen=True)
class Vae(Clipped, FullyConnected):
    """The fields of a VAE of two multilayer perceptrons, whose KL has a weight."""

    beta: Annotated[float, Range(at_least=0)] = 1.0
    """Weight of the KL; 1 is the evidence lower bound."""


@dataclass(frozen=True)
class ConvolutionalVae(Clipped, Training):
    """The fields of a VAE with convolutions on either side, whose KL has a weight."""

    channels: tuple[int, ...] = (32, 64, 128)
    """Channels of the encoder's convolutions; the decoder has them in reverse."""
    activation: str = "relu"
    """relu, tanh, gelu, elu, swish or leaky_relu."""
    beta: Annotated[float, Range(at_least=0)] = 1.0
    """Weight of the KL; 1 is the evidence lower bound."""


@dataclass(frozen=True)
class TwoPlayers(FullyConnected):
    """The fields of an experiment with a discriminator, which is trained against the model."""

    discriminator_sizes: tuple[int, ...] = (200, 200)
    """Widths of the discriminator's hidden layers."""
    discriminator_learning_rate: Annotated[float, Range(at_least=0)] = 1e-4
    """Learning rate of the discriminator's Adam."""


@dataclass(frozen=True)
class OnMnist(Clipped, FullyConnected):
    """The fields of an experiment on all of MNIST, with the network of Burda et al. (arXiv:1509.00519, table 1).

    784-200-200-50, two tanh layers on each side. 'vae-jax data prepare mnist' makes the data.
    """

    data: DataConfig = DataConfig(  # noqa: RUF009 (frozen)
        "mnist", train="train[:50000]", validation="train[50000:]", test="test"
    )
    """Zeros and ones are taken as they are; grey levels are drawn anew each time."""
    latent_size: int = 50
    hidden_sizes: tuple[int, ...] = (200, 200)
    activation: str = "tanh"
    num_epochs: int = 30


@dataclass(frozen=True)
class FewLabels(OnMnist):
    """The fields of an experiment that is told a few of the labels of MNIST."""

    num_labels: int = 100
    """Training examples whose label is told, equally many of each class, drawn by the seed."""
    alpha: Annotated[float, Range(at_least=0)] = 0.1
    """Weight of the classification of the labelled examples, nats for each example of a batch."""

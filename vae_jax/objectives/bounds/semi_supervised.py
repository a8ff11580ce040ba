"""Learning with a few labels: an objective that keeps the labelled examples, and what joins two objectives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
from jaxtyping import Array, Scalar

from vae_jax.objectives.batch import over_batch
from vae_jax.objectives.bounds.over_classes import elbo_of_class, elbo_over_classes
from vae_jax.stated import separable
from vae_jax.types import Key, Keys, Metrics, Objective, StatefulObjective, Values
from vae_jax.vae import VAE


def semi_supervised(
    labelled: Callable[[], dict[str, Array]],
    transform: Callable[[Key, Any], Any],
    *,
    alpha: float | Scalar = 0.1,
    share: float | Scalar = 0.0,
) -> StatefulObjective:
    """The bound of unlabelled examples, and beside each a labelled one, drawn from a few that the objective keeps.

    U(x) + s L(x', y') + α log q(y'|x'), with U = `elbo_over_classes` of an example of the batch, L = `elbo_of_class`,
    and (x', y') drawn anew for each x and step. So a batch has as many labelled examples as others, however few there
    are.

    Args:
        labelled: () -> `x`, (num, *stored), and `label`, (num, K) one-hot, as `data.few_labels` draws them; called
            once, when training begins. They are the objective's state, so a checkpoint holds them.
        transform: (key, stored example) -> x, such as `transform.apply`: every draw has fresh noise.
        alpha: α ≥ 0, the weight of the classification, nats for each example of the batch; 0.1 in the paper, whose
            α is 0.1 N for N examples.
        share: s ≥ 0, number of labelled examples over that of the others; in the sum over the data, as in the paper,
            100 of 50,000 labelled examples count 0.002.

    Returns:
        A `StatefulObjective` for `trainer`: nats per example, higher is better, with the metrics of U,
        `labelled_elbo` (L) and `label_log_prob` (log q(y'|x')).

    Raises:
        TypeError: As for `elbo_over_classes`.

    Source: Kingma, Rezende, Mohamed & Welling 2014, arXiv:1406.5298, equations 8 and 9.
    """

    @separable
    def apply(key: Key | Keys, vae: VAE, batch: Any, step: Scalar | int, state: dict[str, Array]) -> Values:
        def of_one(key: Key, vae: VAE, x: Any) -> tuple[Scalar, Metrics]:
            key, row_key, transform_key, labelled_key = jax.random.split(key, 4)
            value, metrics = elbo_over_classes(key, vae, x)
            row = jax.random.randint(row_key, (), 0, len(state["label"]))
            own, label = transform(transform_key, state["x"][row]), state["label"][row]
            bound, of_label = elbo_of_class(labelled_key, vae, own, label)
            metrics |= {"labelled_elbo": bound, "label_log_prob": of_label["label_log_prob"]}
            return value + share * bound + alpha * of_label["label_log_prob"], metrics

        return over_batch(of_one)(key, vae, batch, step)

    return StatefulObjective(labelled, apply, lambda state, seen: state)


def side_by_side(first: Objective, second: StatefulObjective) -> StatefulObjective:
    """The sum of two objectives of a pair of VAEs, each of its own: M1 and M2 of `models.apart`.

    Args:
        first: The objective of one example for the first of the pair, such as `elbo`.
        second: The objective of a batch for the second.

    Returns:
        A `StatefulObjective` with the state of the second and its metrics, and `first`, the value of the first in nats.
    """

    @separable
    def apply(key: Key | Keys, pair: tuple[VAE, VAE], batch: Any, step: Scalar | int, state: Any) -> Values:
        of_first, *_ = over_batch(first)(key, pair[0], batch, step)
        values, metrics, *seen = second.apply(key, pair[1], batch, step, state)
        return of_first + values, metrics | {"first": of_first}, seen[0] if seen else {}

    return second._replace(apply=apply)

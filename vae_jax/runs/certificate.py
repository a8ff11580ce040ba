"""The certificate of a run: how far its likelihood can be trusted, on some examples of a split and on its own."""

from __future__ import annotations

import dataclasses
from typing import Any

import jax

from vae_jax.data.examples import Examples, abstract_example, part_of
from vae_jax.data.spread import spread
from vae_jax.distributions import Quantised, has_density
from vae_jax.evaluation import Annealing
from vae_jax.evaluation.evidence.annealed import simulating
from vae_jax.evaluation.evidence.certificate import certifier, summary
from vae_jax.evaluation.evidence.flat import check_real
from vae_jax.evaluation.evidence.pareto import FEWEST as FEWEST_SAMPLES
from vae_jax.evaluation.fitted import Fit
from vae_jax.experiment import Experiment
from vae_jax.keys import key_of
from vae_jax.messages import UsageError
from vae_jax.training.metrics import plain
from vae_jax.types import Params

FEWEST_EXAMPLES = 8
"""The fewest examples whose errors say anything."""


def certificate(
    experiment: Experiment, params: Params, split: str, *, num_examples: int, num_samples: int, annealing: Annealing
) -> dict[str, Any]:
    """The contents of a `certificate.json`, but for the checkpoint.

    Args:
        experiment: The experiment.
        params: The parameters.
        split: Name of the split.
        num_examples: Number of its examples, evenly spread; and of those that the model draws itself.
        num_samples: K of importance sampling.
        annealing: How chains are led.

    Returns:
        `real` and `simulated`, each as `summary` describes it; `simulated` is None where the model cannot draw whole
        examples; and `notes`, which say what was left out, and why.

    Raises:
        UsageError: If there is no such split, there are too few examples, or the model has no likelihood to certify.
    """
    examples = experiment.dataset.split(split).examples
    rows = spread(len(examples), num_examples)
    if len(rows) < FEWEST_EXAMPLES:
        raise UsageError(
            f"expected at least {FEWEST_EXAMPLES} examples to certify, or their errors say nothing; got {len(rows)}; "
            "take more by --num-examples"
        )
    if num_samples < FEWEST_SAMPLES:
        raise UsageError(
            f"expected at least {FEWEST_SAMPLES} importance samples to certify, or their weights say nothing; "
            f"got {num_samples}; take more by --num-samples"
        )
    fit, chosen = experiment.fitted, part_of(examples, rows)
    one = abstract_example(examples)
    _check_draws(fit, params, one)
    not_real, not_simulated = why_not_real(experiment, params, examples), _why_not_simulated(fit, params, one)
    led = None if not_real else annealing
    left_out = [not_real and f"neither annealed nor fitted: {not_real}", not_simulated]

    def summed_up(*, simulated: bool) -> dict[str, Any]:
        certify = certifier(fit, num_samples=num_samples, annealing=led, simulated=simulated)
        return summary(certify(params, chosen))

    return plain(
        {
            "data": experiment.dataset.name,
            "split": split,
            "num_examples": len(rows),
            "num_examples_of_split": len(examples),
            "num_samples": num_samples,
            "annealing": dataclasses.asdict(annealing) if led else None,
            "real": summed_up(simulated=False),
            "simulated": None if not_simulated else summed_up(simulated=True),
            "notes": list(filter(None, left_out)),
        }
    )


def file_name(split: str, select: str) -> str:
    """The name of the file of a certificate: each has its own.

    Example:
        >>> file_name("test", "best"), file_name("validation", "latest")
        ('certificate.json', 'certificate-validation-latest.json')
    """
    return "-".join(["certificate"] + [split] * (split != "test") + [select] * (select != "best")) + ".json"


def _check_draws(fit: Fit, params: Params, example: Any) -> None:
    """Check that q(z|x) draws z with a density, without which there is nothing to estimate."""

    def posterior(example: Any) -> Any:
        vae, x = fit(params).at(key_of(0), example)
        return vae.posterior(x)

    found = jax.eval_shape(posterior, example)
    if not has_density(found) or isinstance(found, Quantised):
        raise UsageError(
            "expected a model whose encoder draws z, to certify its likelihood; the codes of this one are certain, and "
            "no number of draws says more than one"
        )


def why_not_real(experiment: Experiment, params: Params, examples: Examples) -> str | None:
    """The reason why nothing can be annealed or fitted, which takes latents along which gradients lead; None if not."""

    def prior(example: Any) -> Any:
        return experiment.fitted(params).at(key_of(0), example)[0].prior

    try:
        check_real(jax.eval_shape(prior, abstract_example(examples)))
    except TypeError as error:
        return str(error)
    return None


def _why_not_simulated(fit: Fit, params: Params, example: Any) -> str | None:
    """The reason if an example that the model draws is not like those of the data: parts of them may be conditions."""

    def shapes(fit: Fit) -> Any:
        seen = jax.eval_shape(lambda example: fit(params).at(key_of(0), example)[1], example)
        return jax.tree.map(lambda part: part.shape, seen)

    if shapes(fit) == shapes(simulating(fit)):
        return None
    return "no examples of the model's own: what p(x|z) draws is not all that an example has"

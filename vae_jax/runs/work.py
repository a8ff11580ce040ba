"""How much a training step computes, and what it is measured against."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array

from vae_jax.experiment import Experiment
from vae_jax.machine.flops import Work, flops
from vae_jax.machine.peaks import peak
from vae_jax.runs.families import families


def flops_of_step(experiment: Experiment) -> int | None:
    """Floating-point operations of one training step, from a batch as the model sees it; None where not known."""
    batch_size, key = experiment.budget.batch_size, jax.random.key(0)
    stored = experiment.dataset.train.examples

    def seen_batch(example: Array) -> Array:
        seen = experiment.training_transform.apply(key, example)
        return jnp.broadcast_to(seen, (batch_size, *seen.shape))

    batch = jax.eval_shape(seen_batch, jax.ShapeDtypeStruct(stored.shape[1:], stored.dtype))
    return flops(experiment.trainer.step, jax.eval_shape(experiment.trainer.init, key), batch)


def of_program(experiment: Experiment) -> dict[str, Any]:
    """What `environment.json` holds of a run's program: it is counted and named once, from the program as traced."""
    return {"flops_per_step": flops_of_step(experiment), "families": families(experiment)}


def work(experiment: Experiment, flops_per_step: int | None, devices: Sequence[Any]) -> Work:
    """What an image costs, and the peak of the devices that train, in the type of the parameters."""
    params = jax.eval_shape(experiment.model.init, jax.random.key(0))
    dtype = jnp.result_type(jnp.bfloat16, *jax.tree.leaves(params))
    best = peak([device.device_kind for device in devices], dtype, jax.config.values["jax_default_matmul_precision"])
    return Work(None if flops_per_step is None else flops_per_step / experiment.budget.batch_size, best)

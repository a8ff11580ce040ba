"""The computation in a training step, and the peak that its speed is measured against."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp

from vae_jax.data.columns import record_of
from vae_jax.experiment import Experiment
from vae_jax.machine.flops import Work, flops
from vae_jax.machine.peaks import peak
from vae_jax.outline import Outline
from vae_jax.runs.families import families


def of_program(experiment: Experiment, outline: Outline) -> dict[str, Any]:
    """Entries of `environment.json` for a run's program.

    They are the FLOPs of a step, None if not known, its families, an assumption about the values of its data, and the
    columns of its table if it has one.
    """
    count = flops(experiment.trainer.step, outline.state, outline.batch)
    columns = list(map(record_of, experiment.dataset.columns))
    about_data = {"values": experiment.dataset.values, "columns": columns}
    return {"flops_per_step": count, "families": families(outline)} | {k: v for k, v in about_data.items() if v}


def work(experiment: Experiment, flops_per_step: int | None, devices: Sequence[Any]) -> Work:
    """The cost of an image, and the peak of the devices that train, in the type of the parameters."""
    params = jax.eval_shape(experiment.model.init, jax.random.key(0))
    dtype = jnp.result_type(jnp.bfloat16, *jax.tree.leaves(params))
    best = peak([device.device_kind for device in devices], dtype, jax.config.values["jax_default_matmul_precision"])
    return Work(None if flops_per_step is None else flops_per_step / experiment.budget.batch_size, best)

"""A sweep from a script or a notebook."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from vae_jax.catalogue import ExperimentFile, load_experiment
from vae_jax.config.fields import own_fields
from vae_jax.config.saved import config_from
from vae_jax.messages import UsageError
from vae_jax.parallel.config import ParallelConfig
from vae_jax.parallel.mesh import own_mesh
from vae_jax.sweeps.config import EvolutionConfig, LanesConfig, SearchConfig
from vae_jax.sweeps.sweep import Sweep, begin
from vae_jax.sweeps.values.axes import Axis, Interval, Values, check_interval


@own_mesh()
def sweep(
    name: str | Path,
    *,
    run_dir: str | Path | None = None,
    num_steps: int | None = None,
    zipped: bool = False,
    search: SearchConfig | None = None,
    evolution: EvolutionConfig | None = None,
    lanes: LanesConfig | None = None,
    parallel: ParallelConfig | None = None,
    **fields: Any,
) -> Sweep:
    """Train many variants of an experiment, as `vae-jax sweep` does: `sweep("vae", beta=[1, 2, 4], seed=range(5))`.

    Args:
        name: Name of a shipped experiment, or the path of a file.
        run_dir: The sweep's directory; None for the next free `runs/NAME-sweep-1`. A sweep that is there goes on, if it
            is the same.
        num_steps: Number of training steps of each lane, in place of the experiment's own budget.
        zipped: Take the first values of all fields together, then the second ones; not their product.
        search: How trials are chosen, in place of all combinations.
        evolution: How lanes learn from each other, if they do.
        lanes: How lanes share the machine.
        parallel: The devices of the lanes; None for all devices of this process.
        **fields: Fields of the experiment's `Config`. A field is swept over a list, a range or an `Interval`; anything
            else is its one value.

    Raises:
        UsageError: If an argument is not as expected.
        RunError: If training could not go on.
    """
    file = load_experiment(name)
    swept = {field: value for field, value in fields.items() if isinstance(value, list | range | Interval)}
    config = config_from(file, {field: value for field, value in fields.items() if field not in swept})
    axes = {field: _axis(file, field, value) for field, value in swept.items()}
    begun = begin(
        file,
        config,
        axes,
        run_dir=None if run_dir is None else Path(run_dir),
        num_steps=num_steps,
        is_zipped=zipped,
        search=search,
        evolution=evolution,
        parallel=parallel,
    )
    begun.work(lanes=lanes, parallel=parallel)
    return begun


def _axis(file: ExperimentFile, field: str, values: list[Any] | range | Interval) -> Axis:
    if isinstance(values, Interval):
        for end in (values.low, values.high):
            config_from(file, {field: end})
        kind = own_fields(file.Config)[field]
        interval = values._replace(is_integer=values.is_integer or kind is int)
        check_interval(interval, field, f"{values.low} to {values.high}")
        return interval
    if not values:
        raise UsageError(f"expected at least one value of {field}; got none")
    return Values(tuple(getattr(config_from(file, {field: value}), field) for value in values))

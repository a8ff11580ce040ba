"""The comparison of runs: a record of each, and their ranking with errors over seeds. Plain numbers and no JAX."""

from vae_jax.ranking.caveats import caveats
from vae_jax.ranking.metrics import (
    LOWER_IS_BETTER,
    best_validation,
    default_metric,
    lower_is_better,
    metric_names,
    metric_of,
    split_of,
)
from vae_jax.ranking.record import RunRecord, swept_fields
from vae_jax.ranking.rows import Row, rank
from vae_jax.ranking.seeds import OverSeeds, mean_and_standard_error, over_seeds

__all__ = [
    "LOWER_IS_BETTER",
    "OverSeeds",
    "Row",
    "RunRecord",
    "best_validation",
    "caveats",
    "default_metric",
    "lower_is_better",
    "mean_and_standard_error",
    "metric_names",
    "metric_of",
    "over_seeds",
    "rank",
    "split_of",
    "swept_fields",
]

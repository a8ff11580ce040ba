"""What is measured in a process of its own: `python -m benchmarks.workers NAME START ...` prints JSON."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any


def first_steps(start: float, data: str) -> dict[str, Any]:
    """From the start of a process to its first step and on to the end of an epoch, in seconds since `start`."""
    marks = {"interpreter": time.time() - start}
    import jax
    from benchmarks import ours
    from benchmarks.images import images

    import vae_jax as vj  # isort: skip
    from vae_jax.training import advance as loop  # isort: skip

    trainer = ours.adam_trainer(ours.mlp_model())  # here, because the rooms are imported when they are first used
    marks["imports"] = time.time() - start
    train = images(Path(data)).train
    marks["data"] = time.time() - start
    feed = ours.feed_of(train, vj.data.binarise_dynamically(255))
    progress = jax.block_until_ready(loop.start(trainer, feed, jax.random.key(0)))
    marks["initial state"] = time.time() - start
    run_steps = loop.advance(trainer, feed)
    progress = jax.block_until_ready(run_steps(progress, iter(()), 1))
    marks["first step"] = time.time() - start
    progress = jax.block_until_ready(run_steps(progress, iter(()), 1))
    marks["second step"] = time.time() - start
    jax.block_until_ready(run_steps(progress, iter(()), feed.num_steps_per_epoch - 2))
    marks["epoch"] = time.time() - start
    return marks


def likelihood_of_all(start: float, data: str, num_images: str, num_samples: str) -> dict[str, Any]:
    """The IWAE bound of test images, in bounded memory."""
    import jax
    import numpy as np
    from benchmarks import ours
    from benchmarks.images import images

    import vae_jax as vj  # isort: skip

    test = images(Path(data)).test[: int(num_images)]
    model = ours.mlp_model()
    estimator = vj.evaluation.importance_sampled_log_likelihood(
        model.bind, vj.data.binarise_dynamically(255).apply, num_samples=int(num_samples)
    )
    began = time.perf_counter()
    estimate = estimator(model.init(jax.random.key(0)), test).estimate
    seconds = time.perf_counter() - began
    return {"seconds": seconds, "num_images": len(estimate), "mean": float(np.mean(estimate, dtype=np.float64))}


def whole_run(start: float, *arguments: str) -> dict[str, Any]:
    """The command line with these arguments, to its end."""
    from vae_jax.cli import main

    code = main(arguments)
    return {"seconds": time.time() - start, "exit_code": code}


def peak_mebibytes() -> float | None:
    """The most memory that this process has held at once (resident set).

    Not from `getrusage`: after a fork that holds the parent's peak, too. None where there is no /proc.
    """
    status = Path("/proc/self/status")
    if not status.is_file():
        return None
    return next(int(line.split()[1]) / 1_024 for line in status.read_text().splitlines() if line.startswith("VmHWM"))


WORKERS = {"first_steps": first_steps, "likelihood_of_all": likelihood_of_all, "whole_run": whole_run}

if __name__ == "__main__":
    print(json.dumps(WORKERS[sys.argv[1]](float(sys.argv[2]), *sys.argv[3:]) | {"peak_mebibytes": peak_mebibytes()}))

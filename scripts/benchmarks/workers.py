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


def memory_of_a_stream(start: float, times_budget: str) -> dict[str, Any]:
    """Train from a file that is larger than the memory budget, and look at the memory as it goes on."""
    import tempfile

    import jax
    import numpy as np
    from benchmarks import ours

    import vae_jax as vj  # isort: skip
    from vae_jax.data.place import memory_budget  # isort: skip
    from vae_jax.data.stream import open_stream  # isort: skip
    from vae_jax.training import advance as loop  # isort: skip

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "large.npy"
        num = int(times_budget) * memory_budget() // 784
        # Sparse, so it takes no space on the disk; one grey level, so that opening need not read all of it to find one.
        np.lib.format.open_memmap(path, "w+", np.uint8, (num, 28, 28))[0] = 255
        train = vj.data.load(str(path))
        assert train.is_streamed
        trainer, feed = (
            ours.adam_trainer(ours.mlp_model()),
            ours.feed_of(np.zeros((128, 28, 28), np.uint8), vj.data.scale(255)),
        )
        feed = feed._replace(examples=train.train.examples, is_streamed=True)
        progress, run_steps, rows = loop.start(trainer, feed, jax.random.key(0)), loop.advance(trainer, feed), []
        with open_stream(feed, 0) as batches:
            for step in (100, 500, 1_000, 2_000, 3_000):
                done = int(progress.state.step)
                progress = jax.block_until_ready(run_steps(progress, batches, step - done))
                rows.append({"after steps": step, "MiB": memory_mebibytes("RssAnon")})
    return {"rows": rows, "gibibytes": num * 784 / 2**30, "times_budget": int(times_budget)}


def decoding(start: float, data: str, num_workers: str) -> dict[str, Any]:
    """Stream MNIST from where TFDS has prepared it."""
    from itertools import islice

    import jax

    import vae_jax as vj  # isort: skip
    from vae_jax.data.feed import make_feed  # isort: skip
    from vae_jax.data.stream import open_stream  # isort: skip

    mnist = vj.data.load(vj.DataConfig("mnist", dir=data, feed="stream", num_workers=int(num_workers)))
    feed = make_feed(mnist.train.examples, vj.data.scale(255).apply, 128, jax.random.key(0),
                     is_streamed=True, num_workers=int(num_workers))  # fmt: skip
    with open_stream(feed, 0) as batches:
        list(islice(batches, 20))
        began = time.perf_counter()
        list(islice(batches, 200))
        return {"images/s": 200 * 128 / (time.perf_counter() - began)}


def peak_mebibytes() -> float | None:
    """The most memory that this process has held at once (resident set).

    Not from `getrusage`: after a fork that holds the parent's peak, too. None where there is no /proc.
    """
    return memory_mebibytes("VmHWM")


def memory_mebibytes(kind: str) -> float | None:
    """What /proc says of this process's memory; None where there is no /proc."""
    status = Path("/proc/self/status")
    if not status.is_file():
        return None
    return next(int(line.split()[1]) / 1_024 for line in status.read_text().splitlines() if line.startswith(kind))


WORKERS = {
    "decoding": decoding,
    "first_steps": first_steps,
    "likelihood_of_all": likelihood_of_all,
    "memory_of_a_stream": memory_of_a_stream,
    "whole_run": whole_run,
}

if __name__ == "__main__":
    print(json.dumps(WORKERS[sys.argv[1]](float(sys.argv[2]), *sys.argv[3:]) | {"peak_mebibytes": peak_mebibytes()}))

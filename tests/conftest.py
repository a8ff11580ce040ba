"""Compiled programs are kept between tests, their processes, and sessions: a test suite waits for compilation."""

import gc
import json
import logging
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import jaxtyping
import pytest

# Read when jax is imported, and inherited by every process that a test starts.
os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(Path(__file__).parent.parent / ".jax_cache"))
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES", "-1")
# JAX keeps what it has traced, millions of objects, which the collector would look through again and again.
gc.set_threshold(100_000, 10, 10)
# Orbax leaves the tasks of a failed restore to be found by the garbage collector, at any later time.
logging.getLogger("asyncio").setLevel(logging.CRITICAL)
# They hold no doctests, and as modules they would all have the same name.
collect_ignore_glob = ["conftest.py", "*/conftest.py"]


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real benchmark data, which not every machine has."""
    path = Path(os.environ.get("VAE_JAX_SHARED_DATA") or Path(__file__).parents[1] / "../shared/data")
    if not path.is_dir():
        pytest.skip(f"no real data in {path}; VAE_JAX_SHARED_DATA tells where they are")
    return path


@pytest.fixture(scope="session")
def no_pages() -> Callable[[], AbstractContextManager[None]]:
    """A context in which runs end without pictures and a report, which take as long as a short training does."""

    @contextmanager
    def context() -> Iterator[None]:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("vae_jax.runs.run.write_run_report", lambda directory, *rest: None)
            yield

    return context


@pytest.fixture
def without_a_page(no_pages) -> Iterator[None]:
    """`no_pages` for one test."""
    with no_pages():
        yield


@pytest.fixture(scope="module")
def without_pages(no_pages) -> Iterator[None]:
    """`no_pages` for all tests and fixtures of a module."""
    with no_pages():
        yield


@pytest.fixture(scope="session")
def write_run() -> Callable[..., Path]:
    """A run directory made by hand: what training would leave, without training."""

    def write(
        path: Path,
        *,
        experiment: str = "vae",
        num_steps: int | None = None,
        values: tuple[float | None, ...] = (),
        evaluation: dict[str, Any] | None = None,
        state: str = "",
        **config: Any,
    ) -> Path:
        path.mkdir(parents=True)
        record = {"experiment": experiment, "config": config, "num_steps": num_steps}
        (path / "config.json").write_text(json.dumps(record))
        lines = [{"step": step, "split": "validation", "value": value} for step, value in enumerate(values)]
        (path / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
        if evaluation is not None:
            (path / "evaluation.json").write_text(json.dumps(evaluation))
        if state:
            (path / "lane.json").write_text(json.dumps({"state": state, "swept": []}))
        return path

    return write


@pytest.fixture
def unchecked_shapes() -> Iterator[None]:
    """Signatures are not checked: what the package itself says to an argument of a wrong shape is to be seen."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


LONGEST = (
    "parallel/test_on_eight_devices.py",
    "sweeps/test_whole_sweeps.py",
    "families/test_every_family.py",
    "sweeps/test_lanes.py",
    "parallel/test_hosts.py",
    "contracts/test_objectives.py",
    "training/test_checkpoint.py",
    "cli/test_kill.py",
    "sweeps/test_kill_a_sweep.py",
    "models/test_likelihoods.py",
    "cli/test_train_on_data.py",
    "objectives/test_estimators.py",
    "cli/test_runs.py",
    "models/test_architectures.py",
    "contracts/test_likelihood_families.py",
)
"""The files that take longest come first, so that no process is left alone with one of them at the end."""


def pytest_addoption(parser):
    parser.addoption("--long", action="store_true", help="also the tests marked 'long', which take minutes each")


def pytest_configure(config):
    # Compiled code that is not optimised is another only in its last digits, and is made in half the time.
    if not config.getoption("--long"):
        os.environ.setdefault("XLA_FLAGS", "--xla_backend_optimization_level=0")


def pytest_collection_modifyitems(config, items):
    places = {str(Path(__file__).parent / name): place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(str(item.path), len(places)))
    if not config.getoption("--long"):
        long = [item for item in items if item.get_closest_marker("long")]
        config.hook.pytest_deselected(items=long)
        items[:] = [item for item in items if item not in set(long)]

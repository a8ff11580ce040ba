"""The data that a run was begun with, known again by their fingerprint; others only where they are accepted."""

from __future__ import annotations

from typing import Any

from vae_jax.data.dataset import Dataset
from vae_jax.files import read_json, write_json
from vae_jax.messages import UsageError
from vae_jax.parallel import hosts
from vae_jax.runs.directory import RunDirectory


def begun_with(dataset: Dataset) -> dict[str, Any]:
    """The contents of a new run's `data.json`: the fingerprint of its data, and none that were accepted since."""
    return {"begun_with": dataset.fingerprint, "accepted": []}


def accepted_in_words(directory: RunDirectory) -> dict[str, str]:
    """An entry of a report about data that were accepted in place of those that the run was begun with, if any."""
    accepted = (read_json(directory.data) or {"accepted": []})["accepted"]
    steps = ", ".join(str(other["at_step"]) for other in accepted)
    return {"other data": f"accepted at step {steps}, in place of those that the run was begun with"} if steps else {}


def check_data(directory: RunDirectory, dataset: Dataset, *, accept: bool = False) -> None:
    """Check that data are those that a run was begun with, or that were accepted since.

    A run of an earlier version has no fingerprint. Its splits were other ones if they are drawn now.

    Args:
        directory: The run's directory.
        dataset: The data as they are now.
        accept: Note others in `data.json`, with the step, in place of refusing them.

    Raises:
        UsageError: If they are others; the message names what differs.
    """
    record = read_json(directory.data)
    if record is None and not dataset.drawn:
        return
    begun, accepted = (None, []) if record is None else (record["begun_with"], record["accepted"])
    now = dataset.fingerprint
    if now == begun or now in [other["data"] for other in accepted]:
        return
    if not accept:
        raise UsageError(
            f"expected {_difference(directory, dataset, begun)}, or accept them by --accept-data, which the run records"
        )
    if hosts.is_first():
        with directory.lock():
            other = {"at_step": directory.latest_step, "data": now}
            write_json(directory.data, {"begun_with": begun, "accepted": [*accepted, other]})
        print(f"other data than the run was begun with are accepted, and noted in {directory.data}", flush=True)


def _difference(directory: RunDirectory, dataset: Dataset, begun: dict[str, str] | None) -> str:
    if begun is None:
        return (
            f"the splits of the run in {directory.path}, which an earlier version counted; got drawn splits of "
            f"{dataset.name}, where it was trained on some of the test examples; train it anew"
        )
    now = dataset.fingerprint
    name = next(name for name in [*begun, *now] if begun.get(name) != now.get(name))
    return (
        f"the data that the run in {directory.path} was begun with, {name}: {begun.get(name, 'none')}; "
        f"got {now.get(name, 'none')}; bring the former back"
    )

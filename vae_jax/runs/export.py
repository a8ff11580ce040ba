"""A trained model as files that need nothing of this package: weights, programs, and a card that explains them."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
from jax import export
from jaxtyping import Array

from vae_jax.config.command import command
from vae_jax.data.examples import abstract_example
from vae_jax.distributions import centre
from vae_jax.evaluation import example_keys
from vae_jax.extras import told_if_missing
from vae_jax.files import naming, read_json, write_bytes, write_json
from vae_jax.messages import UsageError
from vae_jax.networks.safetensors import safetensors
from vae_jax.report.numbers import decimal
from vae_jax.runs.codes import named
from vae_jax.runs.run import Run, Selection
from vae_jax.runs.trained import Trained, trained_of
from vae_jax.types import Key
from vae_jax.vae import VAE, Conditional

PLATFORMS = ("cpu", "cuda", "tpu")


@told_if_missing()
def export_run(run: Run, folder: Path, *, select: Selection = "best") -> list[Path]:
    """Write the files of an export to a new folder, which is there whole or not at all.

    `weights.safetensors` has the parameters by their names; `encoder.bin`, `decoder.bin` and `bound.bin` are programs
    of `jax.export` for CPUs, NVIDIA GPUs and TPUs and for any number of examples; `export.json` says what they take and
    give; `README.md` is a model card.

    Args:
        run: The run.
        folder: The folder, which must not be there yet.
        select: The checkpoint: "best" or "latest".

    Returns:
        The files.

    Raises:
        UsageError: If the folder is there, or the model has conditions or parts, which programs of one array leave out.
        RunError: If there is no checkpoint that can be read.
    """
    import flatbuffers  # noqa: F401 (without it, `serialize` fails when all else is done)

    if folder.exists():
        raise UsageError(f"expected a new folder for the export; {folder} is there already; name another")
    if not folder.absolute().parent.is_dir():
        raise UsageError(f"expected a folder that exists; {folder.absolute().parent} does not; make it first")
    trained = trained_of(run, select)
    programs = programs_of(trained)
    evaluation = read_json(run.directory.evaluation) or {}
    beside = folder.with_name(f".{folder.name}.writing")
    with naming(folder):
        shutil.rmtree(beside, ignore_errors=True)
        beside.mkdir()
    try:
        write_bytes(beside / "weights.safetensors", safetensors(named(trained.params)))
        for name, program in programs.items():
            write_bytes(beside / f"{name}.bin", bytes(program.serialize()))
        about = {
            "experiment": run.file.name,
            "config": run.record["config"],
            "checkpoint_step": trained.step,
            "data": run.experiment.dataset.name,
            "programs": {name: _signature(program) for name, program in programs.items()},
            "evaluation": {key: evaluation.get(key) for key in ("elbo", "nll", "bits_per_dim", "num_samples", "split")},
        }
        write_json(beside / "export.json", about)
        write_bytes(beside / "README.md", card(run, about).encode())
        beside.rename(folder)
    except BaseException:
        shutil.rmtree(beside, ignore_errors=True)
        raise
    return sorted(folder.iterdir())


def programs_of(trained: Trained) -> dict[str, export.Exported]:
    """Name -> program: `encoder` and `bound` take stored examples, `decoder` takes codes.

    The parameters are a part of the programs. A transform that draws, draws by the place of an example, as in every
    evaluation.

    Raises:
        UsageError: If the model has conditions, or examples or codes of several parts.
    """
    stored = abstract_example(trained.experiment.dataset.train.examples)
    if isinstance(trained.vae, Conditional) or not hasattr(stored, "shape"):
        raise UsageError("expected a model of one array without conditions to export; this one has parts or conditions")
    params, fit, to_stored = trained.params, trained.experiment.fitted, trained.experiment.transform.to_stored

    def at(example: Any, index: Array) -> tuple[VAE, Any, Key]:
        transform_key, key = example_keys(0, index)
        vae, x = fit(params).at(transform_key, example)
        return vae, x, key

    def code(example: Any, index: Array) -> Any:
        vae, x, _ = at(example, index)
        return centre(vae.posterior(x))

    def bound(example: Any, index: Array) -> Any:
        vae, x, key = at(example, index)
        return fit(params).bound(key, vae, x)[0]

    def decoded(z: Any) -> Any:
        return to_stored(trained.experiment.model.bind(params).likelihood(z).mean())

    of_code = jax.eval_shape(code, stored, jnp.zeros((), jnp.int32))
    if not hasattr(of_code, "shape"):
        raise UsageError("expected codes that are one array to export; this model's have several groups")
    over = lambda of_one: lambda examples: jax.vmap(of_one)(examples, jnp.arange(examples.shape[0]))
    examples, codes = (stored.shape, stored.dtype), (of_code.shape, of_code.dtype)
    return {
        "encoder": _exported(over(code), *examples),
        "decoder": _exported(jax.vmap(decoded), *codes),
        "bound": _exported(over(bound), *examples),
    }


def card(run: Run, about: Mapping[str, Any]) -> str:
    """The model card: what the model is, of which data, how good, and how to use and to make it."""
    found = about["evaluation"]
    numbers = {
        "ELBO": (found["elbo"], "nats per example, higher is better"),
        f"−log p(x), {found['num_samples']} importance samples": (found["nll"], "nats per example, lower is better"),
        "bits per dimension": (found["bits_per_dim"], "of the stored values"),
    }
    known = {name: found for name, found in numbers.items() if found[0] is not None}
    rows = [f"| {name} | {decimal(value, 3)} | {unit} |" for name, (value, unit) in known.items()]
    table = ["| number | value | unit |", "| --- | --- | --- |", *rows] if rows else ["It has not been evaluated."]
    signatures = [f"| `{name}.bin` | {of['takes']} | {of['gives']} |" for name, of in about["programs"].items()]
    return "\n".join(
        [
            f"# {run.file.name}",
            "",
            run.file.summary,
            "",
            f"A variational autoencoder, trained with vae_jax on this data: {run.experiment.dataset.description}. "
            f"The parameters are those of step {about['checkpoint_step']:,}.",
            "",
            *table,
            "",
            "## Use",
            "",
            "Each program takes and gives arrays in units of the stored values, and needs jax and flatbuffers alone:",
            "",
            "```python",
            "from pathlib import Path",
            "",
            "from jax import export",
            "",
            'encode = export.deserialize(bytearray(Path("encoder.bin").read_bytes())).call',
            "codes = encode(examples)",
            "```",
            "",
            "| program | takes | gives |",
            "| --- | --- | --- |",
            *signatures,
            "",
            "`weights.safetensors` has the parameters by name. Nothing here is pickled.",
            "",
            "## Make it again",
            "",
            "```",
            command(run.record, run.config),
            "```",
            "",
        ]
    )


def _exported(function: Callable[[Array], Any], shape: tuple[int, ...], dtype: Any) -> export.Exported:
    (num,) = export.symbolic_shape("num")
    program = export.export(jax.jit(function), platforms=PLATFORMS)
    return program(jax.ShapeDtypeStruct((num, *shape), dtype))


def _signature(program: export.Exported) -> dict[str, str]:
    takes, gives = (
        ", ".join(f"{of.dtype} {tuple(map(str, of.shape))}".replace("'", "") for of in avals)
        for avals in (program.in_avals, program.out_avals)
    )
    return {"takes": takes, "gives": gives}

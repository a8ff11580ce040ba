"""Every shipped experiment can be built and traced, on its own data or on some of its shape; its fields have help."""

import ast
import dataclasses
import inspect
import re
import textwrap

import numpy as np
import pytest

import vae_jax as vj
from vae_jax.catalogue import load_experiment, shipped
from vae_jax.cli.arguments import parse
from vae_jax.data.embedded import EMBEDDED
from vae_jax.outline import outline
from vae_jax.runs.wiring import wire

# Of data that have to be prepared first: an example's shape.
SHAPES = {
    "mnist": (28, 28),
    "binarized_mnist": (28, 28),
    "fashion_mnist": (28, 28),
    "frey_faces": (28, 20),
    "olivetti_faces": (64, 64),
    "cifar10": (32, 32, 3),
}


@pytest.mark.parametrize("name", shipped())
def test_it_can_be_built(name, tmp_path):
    file = load_experiment(name)
    config = file.Config()
    if config.data.name not in EMBEDDED:
        images = np.random.default_rng(0).integers(0, 256, (2_000, *SHAPES[config.data.name])).astype(np.uint8)
        np.savez(tmp_path / "images.npz", images=images, labels=np.arange(2_000) % 10)
        config = file.Config(data=vj.DataConfig(str(tmp_path / "images.npz")))
    experiment = wire(file, config, num_steps=None)
    outline(experiment)
    assert len(experiment.dataset.splits) == 3
    assert file.summary.endswith(".")


def test_a_table_without_a_real_number_can_be_built(tmp_path):
    (tmp_path / "words.csv").write_text("a,b\n" + "x,0\ny,1\n" * 50)
    file = load_experiment("vae_mixed_table")
    outline(wire(file, file.Config(data=vj.DataConfig(str(tmp_path / "words.csv"))), num_steps=None))


def docstrings_of_fields(config):
    """Field -> the docstring below it, in the class that declares it or, if it has none there, in the one above."""
    found = {}
    for kind in reversed(config.__mro__[:-1]):
        (tree,) = ast.parse(textwrap.dedent(inspect.getsource(kind))).body
        for statement, below in zip(tree.body, [*tree.body[1:], None], strict=True):
            if isinstance(statement, ast.AnnAssign) and isinstance(below, ast.Expr):
                found[statement.target.id] = ast.literal_eval(below.value)
    return found


@pytest.mark.parametrize("name", shipped())
def test_every_field_has_help_where_it_is_declared_or_inherited(name, capsys):
    config = load_experiment(name).Config
    with pytest.raises(SystemExit):
        parse(["train", name, "--help"])
    said = re.sub(r"[\s│─╭╮╰╯]+", " ", capsys.readouterr().out)
    docstrings = docstrings_of_fields(config)
    for field in dataclasses.fields(config):
        assert " ".join(docstrings[field.name].split()) in said, field.name
        is_group = isinstance(getattr(config(), field.name), vj.DataConfig)  # of options, such as --data.name
        assert f"--{field.name.replace('_', '-')}{'.name' if is_group else ''} " in said

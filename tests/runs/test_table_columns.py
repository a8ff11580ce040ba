"""The columns of a run: refused when they have changed, and of each a value after a pass through the bottleneck."""

import jax.numpy as jnp
import numpy as np
import pytest

from vae_jax.data import Column, Dataset, Split
from vae_jax.data.columns import record_of
from vae_jax.distributions import CategoricalCodes, MixedColumns, Normal, standard_normal
from vae_jax.generation import reconstruct_rows
from vae_jax.messages import UsageError
from vae_jax.runs.chosen import named_classes
from vae_jax.runs.columns import check_columns
from vae_jax.vae import VAE

THEN = (Column("age", "whole", bounds=(17.0, 90.0)), Column("town", "category", ("Bonn", "Ulm")))


def check(columns, path):
    check_columns([record_of(column) for column in THEN], columns, path)


def test_other_bounds_are_the_same_columns(tmp_path):
    check((Column("age", "whole", bounds=(3.0, 95.0)), THEN[1]), tmp_path)
    check_columns(None, THEN, tmp_path)  # a run of an earlier version


@pytest.mark.parametrize(
    ("now", "differs"),
    [
        (
            (THEN[0], Column("town", "category", ("Berlin", "Bonn", "Ulm"))),
            "with column town (Bonn, Ulm); got town (Berlin, Bonn, Ulm)",
        ),
        (
            (Column("age", "whole", origin=3.0), THEN[1]),
            "with column age (whole); got age (whole) from 3",
        ),
        (THEN[:1], "of 2 columns; got 1, which differ in 'town'"),
        (THEN[::-1], "of 2 columns; got 2, in another order"),
        ((), "of 2 columns; got 0, which differ in 'age'"),
    ],
)
def test_other_columns_are_refused_with_their_name(now, differs, tmp_path):
    with pytest.raises(UsageError) as raised:
        check(now, tmp_path)
    assert str(raised.value) == (
        f"expected the table of the run in {tmp_path}, {differs}; bring back the file as it was, or train a new run"
    )


def test_a_reconstructed_category_is_the_likeliest_and_not_the_mean_of_its_codes():
    """Of the classes 0 and 2, the mean of the codes is 1, the one that never comes."""
    logits = jnp.log(jnp.array([[0.6, 1e-9, 0.4]]))

    def likelihood(z):
        return MixedColumns((Normal(z, jnp.ones(1)), CategoricalCodes(logits)), ((1,), (0,)))

    vae = VAE(lambda x: Normal(x[1:], jnp.ones(1)), likelihood, standard_normal(1))
    rows = reconstruct_rows(vae, jnp.array([[2.0, 1.5], [0.0, -3.0]]), {0: 3})
    assert likelihood(jnp.zeros(1)).mean()[0] == pytest.approx(0.8)
    assert rows.tolist() == [[0.0, 1.5], [0.0, -3.0]]


@pytest.mark.parametrize(
    ("names", "classes", "expected"),
    [
        (("lily", "rose"), [1, 0], ["rose", "lily"]),
        (("lily",), [1, 0], [1, 0]),
        ((), [1, 0], [1, 0]),
    ],
)
def test_classes_are_called_by_their_names_where_each_has_one(names, classes, expected):
    splits = {"train": Split(np.zeros((2, 1)), np.array(classes))}
    data = Dataset("toy", "", splits, 1, label_names=names)
    assert named_classes(data, np.array(classes)).tolist() == expected
    assert named_classes(data, None) is None

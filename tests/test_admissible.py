"""Data to which a likelihood gives no probability are refused before the first step, with the column or the pixel."""

import re

import numpy as np
import pytest

import vae_jax as vj
from vae_jax.admissible import check_examples, outside_in_steps
from vae_jax.messages import UsageError
from vae_jax.outline import outline

RNG = np.random.default_rng(0)
likelihoods = vj.models.likelihoods
IMAGES = RNG.integers(0, 256, (40, 3, 4)).astype(np.uint8)
AS_STORED = vj.data.Transform(lambda key, example: example.astype("float32"), "as stored")


def changed(array, row, index, value):
    array = array.copy()
    array[row][index] = value
    return array


def made(stored, likelihood, transform=AS_STORED, columns=(), is_streamed=False):
    """An experiment of a small model on 30 rows for training, 5 for validation and 5 for testing."""
    cuts = {"train": slice(0, 30), "validation": slice(30, 35), "test": slice(35, 40)}
    splits = {name: vj.data.Split(stored[rows]) for name, rows in cuts.items()}
    data = vj.data.Dataset("mine", "Made up.", splits, 255, columns, is_streamed=is_streamed)
    config = vj.standard.Vae(latent_size=2, hidden_sizes=(4,), batch_size=10)
    model = vj.models.fully_connected(np.full(stored.shape[1:], 0.5), likelihood, latent_size=2, hidden_sizes=(4,))
    return vj.standard.experiment(config, data, model, vj.objectives.over_batch(vj.objectives.elbo), transform)


COUNTS = RNG.poisson(3.0, (40, 3)).astype(np.float32)
BITS = (COUNTS > 2).astype(np.float32)
KINDS = ("continuous", 4, "count")
ROWS = np.stack([RNG.normal(size=40), np.arange(40) % 4, COUNTS[:, 0]], 1).astype(np.float32)
WRONG = {
    "half a count": (
        (changed(COUNTS, 17, 2, 0.5), likelihoods.poisson(), AS_STORED, ("a", "b", "c")),
        "expected counts 0, 1, 2, ... for the likelihood Poisson; column 'c' of mine is 0.5 in row 17 of split 'train' "
        "(as stored); correct the data, or choose another likelihood or transform",
    ),
    "below zero, in the test split": (
        (changed(COUNTS, 37, 0, -1), likelihoods.zero_inflated_negative_binomial()),
        "for the likelihood ZeroInflated; entry 0 of mine is -1 in row 2 of split 'test'",
    ),
    "1 and 2 for 0 and 1": (
        (BITS + 1, likelihoods.bernoulli(), AS_STORED, ("a", "b", "c")),
        "expected numbers in [0, 1] for the likelihood Bernoulli; column",
    ),
    "classes from 1": (
        (changed(ROWS, 3, 1, 4.0), likelihoods.mixed_columns(KINDS), AS_STORED, ("x", "kind", "num")),
        "expected codes 0, ..., 3 of 4 classes for the likelihood MixedColumns; column 'kind' of mine is 4 in row 3",
    ),
    "bytes that are not scaled": (
        (IMAGES, likelihoods.discretised_logistic()),
        "expected numbers in [0, 1], of 256 levels for the likelihood DiscretisedLogistic; pixel (0, 0) of mine is",
    ),
    "standardised grey": (
        (IMAGES, likelihoods.beta(), vj.data.Transform(lambda key, x: x / 127.5 - 1.0, "to [-1, 1]")),
        "expected numbers in [0, 1] for the likelihood Beta; pixel (",
    ),
}


@pytest.mark.parametrize(("arguments", "message"), WRONG.values(), ids=WRONG.keys())
def test_what_has_no_probability_is_named(arguments, message):
    experiment = made(*arguments)
    with pytest.raises(UsageError, match=re.escape(message)) as error:
        check_examples(experiment, outline(experiment))
    assert "\n" not in str(error.value)


RIGHT = {
    "columns": (ROWS, likelihoods.mixed_columns(KINDS)),
    "levels": (IMAGES, likelihoods.discretised_logistic(), vj.data.scale(255)),
    "real": (ROWS * 1e3, likelihoods.gaussian()),
}


@pytest.mark.parametrize("arguments", RIGHT.values(), ids=RIGHT.keys())
def test_what_has_a_probability_passes(arguments):
    experiment = made(*arguments)
    check_examples(experiment, outline(experiment))


def test_all_rows_are_looked_at_in_batches_of_one_size(monkeypatch):
    monkeypatch.setattr("vae_jax.admissible._VALUES_AT_ONCE", 3 * 7)
    for row, place in ((28, "28 of split 'train'"), (39, "4 of split 'test'")):
        experiment = made(changed(COUNTS, row, 1, 0.5), likelihoods.poisson())
        with pytest.raises(UsageError, match=f"entry 1 of mine is 0.5 in row {place}"):
            check_examples(experiment, outline(experiment))


def test_a_part_of_an_example_is_named():
    inner = made(COUNTS, likelihoods.poisson()).model
    objective = vj.objectives.over_batch(vj.objectives.elbo)

    def bind(params):
        vae = inner.bind(params)
        parts = lambda z: vj.distributions.Product({"count": vae.likelihood(z)})
        return vae._replace(posterior=lambda x: vae.posterior(x["count"]), likelihood=parts)

    model = inner._replace(bind=bind)
    less_one = vj.data.Transform(lambda key, x: {"count": x.astype("float32") - 1}, "less one")
    experiment = made(COUNTS, likelihoods.poisson(), less_one)
    trainer = vj.trainer(model, objective, vj.standard.adam(vj.standard.Vae()))
    experiment = experiment._replace(model=model, trainer=trainer)
    with pytest.raises(UsageError, match=r"likelihood Poisson; entry \d of part \['count'\] of mine is -1 in row"):
        check_examples(experiment, outline(experiment))


def test_of_a_stream_the_first_rows_are_looked_at_and_the_steps_that_failed(monkeypatch):
    monkeypatch.setattr("vae_jax.admissible.NUM_OF_A_STREAM", 10)
    experiment = made(changed(COUNTS, 12, 2, 0.5), likelihoods.poisson(), is_streamed=True)
    traced = outline(experiment)
    check_examples(experiment, traced)
    assert "entry 2 of mine is 0.5 in row 12 of split 'train'" in (outside_in_steps(experiment, traced, 0, 2) or "")
    assert sum(outside_in_steps(experiment, traced, step, step) is not None for step in range(3)) == 1

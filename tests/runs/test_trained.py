"""A model that was trained, at work on data of its kind; its parameters are those that training would begin with."""

from dataclasses import asdict
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest
from tiny_experiment import Config, data, experiment

import vae_jax as vj
from vae_jax.aggregate import with_prior
from vae_jax.catalogue import load_experiment
from vae_jax.data import Column, Dataset, Split
from vae_jax.data.like import like
from vae_jax.evaluation import validator
from vae_jax.generation import decode, encode, sample
from vae_jax.keys import key_of
from vae_jax.latent_classes import of_class
from vae_jax.messages import UsageError
from vae_jax.runs.chosen import as_seen
from vae_jax.runs.codes import codes_of, write_codes
from vae_jax.runs.export import programs_of
from vae_jax.runs.samplers import fitted_to_codes
from vae_jax.runs.trained import Trained

TESTS = Path(__file__).parents[1]


def untrained(of_experiment):
    """The model of an experiment with the parameters that training begins with."""
    return Trained(of_experiment, of_experiment.model.init(key_of(3)))


@pytest.fixture(scope="module")
def digits():
    return untrained(experiment(Config(), data(Config())))


@pytest.fixture(scope="module")
def images(digits):
    return digits.experiment.dataset.split("test").examples


@pytest.fixture(scope="module")
def codes(digits, images):
    return digits.encode(images)


def near(found, expected):
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


def test_codes_are_those_of_the_model_on_data_as_it_sees_them(digits, images, codes):
    seen = as_seen(digits.experiment.transform, images, np.arange(len(images)))
    near(codes, jax.jit(lambda: encode(digits.vae, seen))())
    posterior = digits.posterior(images)
    near(posterior["mean"], codes)
    z = (posterior["sample"] - posterior["mean"]) / posterior["scale"]
    assert abs(z.mean()) < 0.2
    assert 0.8 < z.std() < 1.2


def test_what_is_decoded_is_in_units_of_the_stored_values(digits, images, codes):
    expected = 16 * jax.jit(lambda: decode(digits.vae, codes))()
    near(digits.decode(codes), expected)
    near(digits.reconstruct(images), expected)
    ends = digits.interpolate(images[0], images[0], 2)
    near(ends[0], digits.reconstruct(images[:1])[0])


def test_samples_are_those_of_the_command(digits):
    near(digits.sample(7, seed=5), 16 * jax.jit(lambda: sample(key_of(5), digits.vae, 7))())
    drawn = digits.sample(3, mean=False)
    assert set(np.unique(drawn)) == {0.0, 16.0}


def test_samples_come_from_a_density_that_is_fitted_to_the_codes(digits):
    density = fitted_to_codes(digits, "gaussian_mixture", 5)
    vae = with_prior(digits.vae, density)
    expected = 16 * jax.jit(lambda: sample(key_of(5), vae, 4))()
    near(digits.sample(4, seed=5, sampler="gaussian_mixture"), expected)
    assert np.abs(digits.sample(4, seed=5) - expected).max() > 1e-3


def test_a_low_temperature_draws_the_mode_of_the_prior(digits):
    modes = np.broadcast_to(digits.decode(np.zeros((1, 2), np.float32)), (3, 8, 8))
    near(digits.sample(3, temperature=1e-7), modes)
    near(digits.sample(3, temperature=1.0), digits.sample(3))


@pytest.mark.parametrize("temperature", [0.0, -1.0, float("nan"), float("inf")])
def test_a_temperature_that_is_none_is_refused(digits, temperature):
    with pytest.raises(UsageError, match="expected a temperature above 0"):
        digits.sample(1, temperature=temperature)


def test_scores_average_to_what_is_validated_and_bound_the_likelihood(digits, images):
    scores = digits.scores(images)
    validated = validator(digits.experiment.fitted)(digits.params, images)
    for name in ("value", "kl", "log_likelihood", "squared_error"):
        assert scores[name].shape == (len(images),)
        near(scores[name].mean(dtype=float), validated[name])
    assert digits.log_prob(images, num_samples=20).mean() > scores["value"].mean()


def test_a_run_is_opened_as_it_was_trained(tmp_path, without_a_page):
    run = vj.train(TESTS / "tiny_experiment.py", num_steps=2, run_dir=tmp_path / "run")
    before = sorted(path.stat().st_mtime_ns for path in tmp_path.rglob("*"))
    opened = vj.open(tmp_path / "run", select="latest")
    assert (opened.step, asdict(opened.config)) == (2, asdict(run.config))
    jax.tree.map(np.testing.assert_array_equal, opened.params, run.params("latest")[0])
    opened.sample(1)
    assert sorted(path.stat().st_mtime_ns for path in tmp_path.rglob("*")) == before
    assert "step=2" in repr(opened)


def of_family(kind):
    file = load_experiment(TESTS / "families" / "models.py")
    config = file.Config(kind=kind)
    return untrained(file.experiment(config, file.data(config)))


def test_a_conditional_model_is_decoded_under_a_class():
    model = of_family("conditional")
    some = {part: array[:5] for part, array in model.experiment.dataset.train.examples.parts.items()}
    codes = model.encode(some)
    assert codes.shape == (5, 3)
    of_three = model.decode(codes, label=3)
    near(of_three, model.decode(codes, conditions=np.tile(np.eye(10)[3], (5, 1))))
    assert np.abs(of_three - model.decode(codes, label=4)).max() > 1e-3
    near(model.sample(2, label="3"), model.sample(2, label=3))
    for wrong, words in (
        (lambda: model.encode(some["x"]), r"expected a dict of the parts of an example as the data \(condition, x\)"),
        (lambda: model.encode(some | {"x": some["x"] * 0.3}), "expected whole numbers from 0 to 16 in part 'x' of the"),
        (lambda: model.interpolate(some, some, 3), "expected a model without conditions"),
        (lambda: model.decode(codes, label="11"), "expected a label of digits"),
    ):
        with pytest.raises(UsageError, match=words):
            wrong()


def test_a_latent_class_is_sampled_by_its_number():
    model = of_family("clusters")
    of_two = model.sample(3, label=2)
    expected = sample(key_of(0), of_class(model.vae, 2), 3)  # pyright: ignore[reportArgumentType]
    near(of_two, 16 * expected)
    with pytest.raises(UsageError, match="expected the number of a latent class, 0 to 3, for --label; got '4'"):
        model.sample(3, label=4)


def test_a_hierarchy_has_codes_in_groups(tmp_path):
    model = of_family("hierarchical")
    codes = codes_of(model, "test")
    assert {"mean.top", "mean.bottom", "sample.top", "value", "label"} <= codes.keys()
    groups = {name: codes[f"mean.{name}"] for name in ("top", "bottom")}
    near(model.decode(groups), model.reconstruct(model.experiment.dataset.split("test")))
    first = {"x": model.experiment.dataset.train.examples.parts["x"][0], "condition": 0}
    with pytest.raises(UsageError, match="expected codes that are one vector each to interpolate"):
        model.interpolate(first, first, 3)


def test_codes_as_files(tmp_path, digits):
    codes = codes_of(digits, "test")
    assert codes["label"].tolist() == digits.experiment.dataset.split("test").labels.tolist()
    for name in ("codes.npz", "codes.csv", "codes.parquet"):
        write_codes(tmp_path / name, codes)
    with np.load(tmp_path / "codes.npz", allow_pickle=False) as arrays:
        assert {name: arrays[name].tolist() for name in arrays} == {name: codes[name].tolist() for name in codes}
    for frame in (pd.read_csv(tmp_path / "codes.csv"), pd.read_parquet(tmp_path / "codes.parquet")):
        assert {"mean_0", "scale_1", "sample_0", "value", "label"} <= set(frame)
        np.testing.assert_array_equal(frame["mean_1"].to_numpy(np.float32), codes["mean"][:, 1])


@pytest.fixture(scope="module")
def table():
    file = load_experiment("vae_mixed_table")
    return untrained(file.experiment(file.Config(), file.data(file.Config())))


def test_rows_of_a_table_come_and_go_as_columns(table):
    drawn = table.sample(6, seed=1)
    assert list(drawn) == [column.name for column in table.experiment.dataset.columns]
    codes = table.encode(drawn)
    near(table.encode(pd.DataFrame(drawn)[list(drawn)[::-1]]), codes)
    assert {name: values.dtype for name, values in table.reconstruct(drawn).items()} == {
        name: values.dtype for name, values in drawn.items()
    }


MASKED = np.ma.masked_equal(np.arange(6).reshape(2, 3), 1)
NUMBERS = Dataset("numbers", "some", {"train": Split(np.arange(12, dtype=np.uint8).reshape(4, 3))}, 255)
RATES = Dataset("rates", "some", {"train": Split(np.full((4, 3), 0.5, np.float32))}, 1)
ROWS = Dataset(
    "rows",
    "some",
    {"train": Split(np.zeros((4, 2), np.float32))},
    float("nan"),
    (Column("age", "whole", origin=3.0), Column("town", "category", ("Bonn", "Ulm"))),
)


def test_what_is_like_a_data_set_is_taken():
    assert like(NUMBERS, np.array([[0.0, 255.0, 7.0]])).dtype == np.uint8
    assert like(NUMBERS, NUMBERS.train) is NUMBERS.train.examples
    assert like(NUMBERS, [[0, 1, 1]]).tolist() == [[0, 1, 1]]
    np.testing.assert_array_equal(like(RATES, np.array([[-1e-6, 1 + 1e-6, 0.3]])), [[0, 1, np.float32(0.3)]])
    assert like(ROWS, {"town": ["Ulm"], "age": [5]}).tolist() == [[2.0, 1.0]]


@pytest.mark.parametrize(
    ("dataset", "given", "words"),
    [
        (NUMBERS, np.zeros(3), "expected examples of shape (num, 3) as the data; got (3,); give a batch"),
        (NUMBERS, np.zeros((2, 3, 1)), "got (2, 3, 1); reshape them by x.reshape(-1, 3)"),
        (NUMBERS, np.zeros((0, 3)), "expected at least one example in the data; got none"),
        (NUMBERS, [["a", "b", "c"]], "expected numbers in the data; got <U1"),
        (NUMBERS, np.array([[0.5, 1, 1]]), "expected whole numbers from 0 to 255 in the data, as numbers holds"),
        (NUMBERS, np.array([[0.0, 1, 1]]), "got floats up to 1, which look scaled; multiply them by 255"),
        (NUMBERS, np.array([[0, 1, 256]]), "item 0 has 256; give the values as they are stored, before any scaling"),
        (NUMBERS, jnp.array([[0.5, 1, 1]]), "expected whole numbers from 0 to 255 in the data, as numbers holds"),
        (NUMBERS, pd.DataFrame([[0, 1, 256]]), "item 0 has 256; give the values as they are stored"),
        (NUMBERS, MASKED, "expected an array without a mask in the data"),
        (RATES, np.array([[0, 1, np.nan]]), "expected numbers from 0 to 1 in the data, as rates holds; item 0 has nan"),
        (ROWS, {"age": [5]}, "expected a column 'town' in the data; got age"),
        (ROWS, {"age": [5], "town": ["Berlin"]}, "expected values of column 'town' (Bonn, Ulm) in the"),
        (ROWS, {"age": ["old"], "town": ["Ulm"]}, "expected finite numbers in column 'age' of the data; got others"),
    ],
)  # fmt: skip
def test_what_is_of_another_kind_is_refused(dataset, given, words):
    with pytest.raises(UsageError) as refusal:
        like(dataset, given)
    assert words in str(refusal.value)


def test_an_autoencoder_has_no_likelihood():
    file = load_experiment("linear_autoencoder")
    model = untrained(file.experiment(file.Config(), file.data(file.Config())))
    with pytest.raises(UsageError, match="expected a posterior with a density"):
        model.log_prob(model.experiment.dataset.split("test"))


@pytest.mark.parametrize(
    ("kind", "options", "message"),
    [
        ("conditional", {"sampler": "gaussian_mixture"}, "expected a model without conditions for the sampler"),
        ("few_labels", {"sampler": "flow"}, "expected codes that are real numbers for the sampler flow"),
        ("few_labels", {"temperature": 0.5}, "this model cannot be sampled from so: expected a normal prior"),
        ("clusters", {"temperature": 0.5}, "this model cannot be sampled from so: expected a normal prior"),
    ],
)
def test_what_cannot_be_sampled_from_so_is_refused(kind, options, message):
    file = load_experiment(TESTS / "families" / "models.py")
    config = file.Config(kind=kind)
    trained = untrained(file.experiment(config, file.data(config)))
    with pytest.raises(UsageError, match=message):
        trained.sample(2, **options)


@pytest.mark.parametrize("kind", ["conditional", "hierarchical"])
def test_a_model_of_parts_is_not_exported(kind):
    file = load_experiment(TESTS / "families" / "models.py")
    config = file.Config(kind=kind)
    with pytest.raises(UsageError, match=r"expected .* to export"):
        programs_of(untrained(file.experiment(config, file.data(config))))

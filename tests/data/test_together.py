"""Examples of several parts behave as each part does alone."""

import pickle

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import vae_jax as vj
from vae_jax.data.drawn.shapes import ShapeFactors
from vae_jax.data.examples import Part, abstract_example, joined, num_bytes, part_of, with_parts
from vae_jax.data.feed import make_feed, rows_of_step, seen_batch, stored_batch
from vae_jax.data.order import shuffled
from vae_jax.data.place import place
from vae_jax.data.splits import arrange
from vae_jax.data.stream import read_batches
from vae_jax.data.together import Together

NUM = 40
PARTS = {
    "x": np.random.default_rng(0).integers(0, 256, (NUM, 4, 3)).astype(np.uint8),
    "more": (np.arange(NUM, dtype=np.int32), np.linspace(0, 1, NUM * 2, dtype=np.float32).reshape(NUM, 2)),
}
BOTH = Together(PARTS)


def same(found, expected):
    assert jax.tree.structure(found) == jax.tree.structure(expected)
    jax.tree.map(np.testing.assert_array_equal, found, expected)


def rows_of(rows):
    return jax.tree.map(lambda array: array[rows], PARTS)


@pytest.mark.parametrize("rows", [slice(None), slice(1, 3), slice(0, 0), np.array([2, 0, 2])], ids=str)
def test_rows_are_those_of_each_part(rows):
    same(BOTH[rows], rows_of(rows))
    same(pickle.loads(pickle.dumps(BOTH))[rows], rows_of(rows))
    assert len(BOTH) == NUM


def test_parts_of_it_and_several_one_after_another():
    same(part_of(BOTH, range(3, 30, 2))[:], rows_of(np.arange(3, 30, 2)))
    lazy = with_parts(lambda part: Part(part, np.array([5, 1])), BOTH)
    same(joined([lazy, BOTH])[:], jax.tree.map(lambda array: np.concatenate([array[[5, 1]], array]), PARTS))
    assert num_bytes(BOTH) == sum(array.nbytes for array in jax.tree.leaves(PARTS))


def test_it_goes_through_jit_as_a_pytree():
    found = jax.jit(lambda both: with_parts(lambda part: part + 1, both))(with_parts(jnp.asarray, BOTH))
    same(found[:], jax.tree.map(lambda array: array + np.ones((), array.dtype), PARTS))


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({}, "expected examples, an array or a pytree of them; got {}"),
        ({"x": np.zeros((3, 2)), "y": np.zeros(4)}, r"expected as many examples in every part; got 3 in \['x'\], 4 in"),
        ({"x": np.zeros((3, 2)), "y": "words"}, r"expected an array of examples as part \['y'\]; got a str"),
        ({"x": np.zeros((3, 2)), "y": np.zeros(())}, r"the first axis of part \['y'\]; got a single number"),
    ],
)
def test_what_does_not_fit_together_is_refused(parts, message):
    with pytest.raises(ValueError, match=message):
        Together(parts)


def dataset():
    return vj.data.Dataset("own", "made up", {"all": vj.data.Split(PARTS, np.arange(NUM) % 3)}, 255)


def test_a_data_set_holds_them_split_and_placed():
    placed = place(arrange(dataset()))
    assert placed.example_shape == {"x": (4, 3), "more": ((), (2,))}
    same(placed.train.examples[:], rows_of(np.delete(np.arange(NUM), [4, 13, 27, 29, 31, 32, 36, 38])))
    assert isinstance(placed.train.examples.parts["x"], np.ndarray)
    assert placed.part("x").example_shape == (4, 3)
    assert placed.part("x").mean().shape == (4, 3)
    assert placed.summary()["example_shape"] == {"x": [4, 3], "more": ([], [2])}
    with pytest.raises(ValueError, match=r"expected a part of the examples of own \(more, x\); got 'y'"):
        placed.part("y")
    other = {"x": PARTS["x"].astype(np.float32), "more": PARTS["more"]}
    with pytest.raises(ValueError, match=r"in every split of own; got .*float32"):
        vj.data.Dataset("own", "", {"train": vj.data.Split(PARTS), "test": vj.data.Split(other)}, 255)


def jitter(key, example):
    noise = jax.random.normal(key, (4, 3))
    return {"x": example["x"] + noise, "more": example["more"]}


@pytest.mark.parametrize("step", [0, 5, 13])
def test_a_batch_is_its_rows_of_each_part_and_a_stream_gives_the_same(step):
    key = jax.random.key(3)
    feed = make_feed(BOTH, jitter, 8, key)
    rows = rows_of_step(np.asarray(feed.order_key), step, NUM, 8, np.arange(8))
    stored = jax.jit(lambda step: stored_batch(feed, step))(step)
    same(stored, rows_of(rows))
    alone = make_feed(PARTS["x"], lambda key, x: x + jax.random.normal(key, (4, 3)), 8, key)
    same(seen_batch(feed, stored, step)["x"], seen_batch(alone, stored["x"], step))
    lazy = make_feed(with_parts(lambda part: Part(part, range(NUM)), BOTH), jitter, 8, key, is_streamed=True)
    batches = read_batches(lazy, step)
    same(next(batches), rows_of(rows))
    halves = [next(read_batches(lazy, step, host=host, num_hosts=2)) for host in range(2)]
    same(jax.tree.map(lambda *shares: np.concatenate(shares), *halves), rows_of(rows))


def test_computed_pictures_have_their_factors_beside_them():
    """Both are computed inside the step, and nothing is held."""
    images = vj.data.Shapes(vj.data.Design(image_size=8))
    both = Together({"x": images, "condition": ShapeFactors(images)})
    feed = make_feed(both, lambda key, example: example, 4, jax.random.key(0))
    batch = jax.jit(lambda both, step: stored_batch(feed._replace(examples=both), step))(both, 2)
    rows = rows_of_step(np.asarray(feed.order_key), 2, len(images), 4, np.arange(4))
    same(batch, {"x": images[rows], "condition": images.factors(rows)})
    assert num_bytes(both) == 0
    assert abstract_example(both)["condition"].shape == (len(images.design.sizes),)


def test_transforms_of_parts_have_noise_of_their_own_and_ways_back():
    binarise, scale = vj.data.binarise_dynamically(255), vj.data.scale(255)
    transform = vj.data.on_parts(x=scale, other=binarise)
    pixels = np.random.default_rng(1).integers(0, 256, (4, 3)).astype(np.uint8)
    key = jax.random.key(0)
    seen = transform.apply(key, {"x": pixels, "other": pixels, "label": 3})
    np.testing.assert_allclose(seen["x"], pixels / 255, rtol=1e-6)
    assert set(np.unique(seen["other"])) == {0, 1}
    assert seen["label"] == 3
    both = vj.data.on_parts(a=binarise, b=binarise).apply(key, {"a": pixels, "b": pixels})
    assert (both["a"] != both["b"]).any()
    np.testing.assert_allclose(transform.to_stored(seen)["x"], pixels, rtol=1e-6)
    np.testing.assert_allclose(transform.to_stored(seen["x"]), pixels, rtol=1e-6)  # x alone, as a model makes it
    for x in (seen, seen["x"]):
        np.testing.assert_allclose(transform.log_det(x), scale.log_det(seen["x"]))
    with pytest.raises(ValueError, match="expected examples with a part 'other' to transform; got x"):
        transform.apply(key, {"x": pixels})
    with pytest.raises(ValueError, match="expected examples with a part 'other' to transform; got an array alone"):
        transform.apply(key, pixels)


def test_a_label_as_one_of_several():
    transform = vj.data.one_hot(4)
    assert transform.apply(jax.random.key(0), 2).tolist() == [0, 0, 1, 0]
    assert int(transform.to_stored(transform.apply(jax.random.key(0), 2))) == 2


def test_objects_bring_parts_as_dicts():
    items = [{"x": np.full((2, 2), place, np.uint8), "y": place} for place in range(20)]
    for given in (items, {"train": items, "validation": items[:3], "test": items[:3]}):
        found = vj.data.from_object(given).train.examples
        assert found[:3]["x"][:, 0, 0].tolist() == found[:3]["y"].tolist()
    arrays = {"x": np.zeros((20, 2, 2), np.float32), "y": np.arange(20)}
    found = vj.data.from_object({"train": arrays, "validation": arrays, "test": arrays})
    assert (found.max_value, found.example_shape) == (1, {"x": (2, 2), "y": ()})


def test_an_order_is_the_same_for_all_parts():
    """Else an image would get another one's label."""
    feed = make_feed(Together({"a": np.arange(NUM), "b": np.arange(NUM)}), jitter, NUM, jax.random.key(7))
    batch = stored_batch(feed, 1)
    np.testing.assert_array_equal(batch["a"], batch["b"])
    assert batch["a"].tolist() == shuffled(np.asarray(feed.order_key), 1, np.arange(NUM), NUM).tolist()

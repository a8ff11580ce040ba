"""The metrics file: JSON lines, cut back to what a checkpoint has seen."""

import json

import jax.numpy as jnp
import numpy as np
import pytest

from vae_jax.messages import RunError
from vae_jax.training.metrics import MetricsFile, plain, read_metrics


@pytest.fixture
def path(tmp_path):
    return tmp_path / "metrics.jsonl"


def test_lines_are_json_objects_in_the_order_of_writing(path):
    file = MetricsFile(path)
    file.write({"step": 0, "value": jnp.float32(1.5)})
    file.write({"step": 1, "kl_per_dimension": np.array([0.25, 0.5], np.float32)})
    file.close()
    assert [json.loads(line) for line in path.read_text().splitlines()] == read_metrics(path)
    assert read_metrics(path) == [{"step": 0, "value": 1.5}, {"step": 1, "kl_per_dimension": [0.25, 0.5]}]


def test_sync_tells_how_many_bytes_are_on_the_disk(path):
    file = MetricsFile(path)
    for step in range(3):
        file.write({"step": step})
        assert file.sync() == path.stat().st_size == (step + 1) * len('{"step": 0}\n')
    file.close()


def test_what_a_checkpoint_has_not_seen_is_cut_off(path):
    file = MetricsFile(path)
    file.write({"step": 0})
    num_bytes = file.sync()
    file.write({"step": 1})
    file.close()
    file = MetricsFile(path, num_bytes)
    file.write({"step": 2})
    assert file.sync() == path.stat().st_size
    file.close()
    assert [line["step"] for line in read_metrics(path)] == [0, 2]


def test_a_file_shorter_than_at_the_checkpoint_is_refused_and_left_alone(path):
    path.write_text('{"step": 0}\n')
    with pytest.raises(RunError, match=r"expected at least 40 bytes in .*metrics\.jsonl.*; it has 12;.* --overwrite"):
        MetricsFile(path, 40)
    assert path.read_text() == '{"step": 0}\n'


def test_half_a_line_is_not_read(path):
    path.write_text('{"step": 0}\n{"step": 1, "val')
    assert read_metrics(path) == [{"step": 0}]


def test_no_file_has_no_lines(path):
    assert read_metrics(path) == []


def test_what_is_not_finite_is_null(path):
    file = MetricsFile(path)
    file.write({"value": jnp.nan, "kl": [np.inf, 1.0], "nested": {"value": -np.float32("inf")}})
    file.close()
    assert read_metrics(path) == [{"value": None, "kl": [None, 1.0], "nested": {"value": None}}]


def test_plain_leaves_text_booleans_and_none_alone():
    mixed = {"name": "train", "is_best": True, "nothing": None, "count": np.int32(3), "pair": (1, jnp.ones(2))}
    expected = {"name": "train", "is_best": True, "nothing": None, "count": 3, "pair": [1, [1.0, 1.0]]}
    assert plain(mixed) == expected
    assert type(plain(np.int32(3))) is int

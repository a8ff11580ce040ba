"""What other programs take up: codes of a run as files, numbers as JSON."""

import json

import numpy as np

import vae_jax as vj


def test_codes_of_a_split_are_written_whole(vae_jax, trained, tmp_path):
    out = tmp_path / "codes.npz"
    assert vae_jax("encode", trained, "--out", out, "--split", "validation").out.splitlines() == [str(out)]
    opened = vj.open(trained)
    with np.load(out, allow_pickle=False) as codes:
        assert {"mean", "scale", "sample", "label", "value", "kl", "log_likelihood", "squared_error"} == set(codes)
        np.testing.assert_array_equal(codes["mean"], opened.encode(opened.experiment.dataset.split("validation")))


def test_an_unknown_split_is_a_line(refusal, trained, tmp_path):
    line = refusal("encode", trained, "--out", tmp_path / "codes.csv", "--split", "vali")
    assert line.startswith("expected a split of digits (train, validation, test); got 'vali'")
    assert not (tmp_path / "codes.csv").exists()


def test_numbers_come_as_json_where_they_are_asked_for(vae_jax, run):
    said = json.loads(vae_jax("evaluate", run, "--split", "validation", "--num-samples", 3, "--json").out)
    assert said == json.loads((run / "evaluation-validation-3.json").read_text("utf-8"))
    assert {"jax", "device", "python"} <= json.loads(vae_jax("info", "--json").out).keys()


def test_samples_are_written_as_arrays(vae_jax, trained, tmp_path):
    out = tmp_path / "x.npz"
    options = ("--num", 5, "--seed", 3, "--temperature", 0.5, "--sampler", "prior")
    assert vae_jax("sample", trained, "--out", out, *options).out.splitlines() == [str(out)]
    with np.load(out, allow_pickle=False) as arrays:
        assert list(arrays) == ["x"]
        np.testing.assert_array_equal(arrays["x"], vj.open(trained).sample(5, seed=3, temperature=0.5))

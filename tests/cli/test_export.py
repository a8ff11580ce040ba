"""A trained model as files, taken up by a process that has never heard of this package."""

import json
import os
import subprocess
import sys

import jax
import numpy as np
import pytest

import vae_jax as vj
from vae_jax.networks.safetensors import read_safetensors
from vae_jax.runs.codes import named

RELOAD = """
import sys
from pathlib import Path
import numpy as np
from jax import export

folder, examples = Path(sys.argv[1]), np.load(sys.argv[2])
call = {path.stem: export.deserialize(bytearray(path.read_bytes())).call for path in folder.glob("*.bin")}
codes = call["encoder"](examples)
np.savez(sys.argv[3], codes=codes, decoded=call["decoder"](codes), bound=call["bound"](examples))
assert "vae_jax" not in sys.modules
"""


def test_its_programs_and_weights_are_those_of_the_run(vae_jax, trained, tmp_path):
    out = tmp_path / "model"
    said = vae_jax("export", trained, "--out", out).out.splitlines()
    assert [path.rpartition("/")[2] for path in said] == sorted(path.name for path in out.iterdir())
    assert {"encoder.bin", "decoder.bin", "bound.bin"} == {path.name for path in out.glob("*.bin")}
    opened = vj.open(trained)
    examples = np.asarray(opened.experiment.dataset.split("test").examples[:7])
    np.save(tmp_path / "x.npy", examples)
    words = [sys.executable, "-c", RELOAD, out, tmp_path / "x.npy", tmp_path / "found.npz"]
    subprocess.run(words, check=True, cwd=tmp_path, env=os.environ | {"PYTHONPATH": ""})
    found = np.load(tmp_path / "found.npz")
    codes = opened.encode(examples)
    np.testing.assert_allclose(found["codes"], codes, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(found["decoded"], opened.decode(codes), rtol=1e-5, atol=1e-4)
    np.testing.assert_allclose(found["bound"], opened.scores(examples)["value"], rtol=1e-5)
    params = named(opened.params)
    jax.tree.map(np.testing.assert_array_equal, read_safetensors(out / "weights.safetensors", params), params)
    about = json.loads((out / "export.json").read_text("utf-8"))
    assert about["programs"]["encoder"] == {"takes": "uint8 (num, 8, 8)", "gives": "float32 (num, 2)"}
    assert str(about["checkpoint_step"]) in (out / "README.md").read_text("utf-8")


def test_a_folder_that_is_there_is_not_touched(refusal, trained, tmp_path):
    line = refusal("export", trained, "--out", tmp_path)
    assert line == f"expected a new folder for the export; {tmp_path} is there already; name another"
    line = refusal("export", trained, "--out", tmp_path / "a" / "b")
    assert line.startswith(f"expected a folder that exists; {tmp_path / 'a'} does not")
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_exported_leaves_nothing(refusal, vae_jax, trained, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr("vae_jax.runs.export.card", lambda run, about: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            vae_jax("export", trained, "--out", tmp_path / "model")
    assert list(tmp_path.iterdir()) == []
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "flatbuffers", None)
        line = refusal("export", trained, "--out", tmp_path / "model")
    assert line == "expected flatbuffers for programs of jax.export; it is not installed; pip install 'vae-jax[export]'"
    assert list(tmp_path.iterdir()) == []

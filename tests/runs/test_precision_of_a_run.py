"""A run of one precision, looked at in another: it is evaluated, and not trained further."""

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from tables import long_but

import vae_jax as vj
from vae_jax.files import read_json
from vae_jax.messages import UsageError
from vae_jax.runs.begin import open_run

pytestmark = pytest.mark.usefixtures("without_pages")
TINY = Path(__file__).parent.parent / "tiny_experiment.py"


@pytest.mark.parametrize("in_64_bits", long_but([False, True], True))
def test_a_run_is_evaluated_in_either_precision_and_goes_on_in_its_own(tmp_path, in_64_bits):
    with jax.enable_x64(in_64_bits):
        run = vj.train(TINY, run_dir=tmp_path / "run", num_steps=10)
        params, expected = run.params()[0], read_json(run.directory.evaluation)
    with jax.enable_x64(not in_64_bits):
        run = open_run(tmp_path / "run")
        for leaf, other in zip(*map(jax.tree.leaves, (run.params()[0], params)), strict=True):
            assert leaf.dtype in (jnp.float32, jnp.result_type(float))
            np.testing.assert_array_equal(leaf, np.asarray(other, leaf.dtype))
        assert run.evaluate(num_samples=5)["elbo"] == pytest.approx(expected["elbo"], rel=0.1)
        was, now = ("64", "32") if in_64_bits else ("32", "64")
        with pytest.raises(
            UsageError, match=f"expected {was} bits, in which this run was started; got {now} bits; set"
        ):
            vj.resume(tmp_path / "run", num_steps=20)
        assert open_run(tmp_path / "run").experiment.budget.num_steps == 10
    assert not (tmp_path / "run" / "damaged").exists()
    with jax.enable_x64(in_64_bits):
        assert vj.resume(tmp_path / "run", num_steps=20).params("latest")[1]["checkpoint_step"] == 20
        assert jnp.zeros(()).dtype == (jnp.float64 if in_64_bits else jnp.float32)
    assert jnp.zeros(()).dtype == jnp.float32

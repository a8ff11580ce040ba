"""A mesh that a notebook has set, whose axes are Explicit by default, is laid aside while a run goes on."""

from pathlib import Path

import jax
import pytest

import vae_jax as vj
from vae_jax.parallel.mesh import own_mesh

pytestmark = pytest.mark.usefixtures("without_pages")
TINY = Path(__file__).parent.parent / "tiny_experiment.py"


def test_a_run_trains_resumes_and_is_evaluated_and_no_checkpoint_is_taken_for_damaged(tmp_path):
    with jax.set_mesh(jax.make_mesh((1,), ("batch",))):
        vj.train(TINY, run_dir=tmp_path / "run", num_steps=10)
        run = vj.resume(tmp_path / "run", num_steps=20)
        assert run.evaluate(num_samples=5)["checkpoint_step"] == 20
        assert jax.sharding.get_abstract_mesh().axis_names == ("batch",)
    assert not (tmp_path / "run" / "damaged").exists()
    assert {path.name for path in (tmp_path / "run" / "checkpoints").iterdir()} == {"10", "20"}


def test_it_is_as_it_was_after_an_error():
    @own_mesh()
    def fails():
        assert jax.sharding.get_abstract_mesh().empty
        raise RuntimeError

    with jax.set_mesh(jax.make_mesh((1,), ("batch",))):
        with pytest.raises(RuntimeError):
            fails()
        assert jax.sharding.get_abstract_mesh().axis_names == ("batch",)

"""Every family has a certificate: all of its estimates, or the reason why some are left out."""

from pathlib import Path

import jax
import numpy as np
import pytest
from tables import long_but

from vae_jax.catalogue import load_experiment
from vae_jax.evaluation import Annealing
from vae_jax.evaluation.evidence.certificate import ANNEALED, ENCODER, FITTED
from vae_jax.messages import UsageError
from vae_jax.runs.certificate import certificate

FILE = load_experiment(Path(__file__).parent / "models.py")
WHOLE, PLAIN = [ENCODER, FITTED, ANNEALED], [ENCODER]
ESTIMATES = {
    "clusters": (WHOLE, True),
    "conditional": (WHOLE, True),
    "few_labels": (PLAIN, True),
    "hierarchical": (WHOLE, True),
    "product_of_experts": (WHOLE, True),
    "recurrent": (WHOLE, True),
    "semi_supervised": (PLAIN, True),
}


def certificate_of(kind, **options):
    config = FILE.Config(kind=kind)
    experiment = FILE.experiment(config, FILE.data(config))
    params = experiment.model.init(jax.random.key(0))
    settings = {"num_examples": 8, "num_samples": 40, "annealing": Annealing(2, 6, 2)} | options
    return certificate(experiment, params, "test", **settings)


@pytest.mark.parametrize("kind", long_but(ESTIMATES, "few_labels"))
def test_it_has_all_estimates_that_the_latents_take(kind):
    names, has_own = ESTIMATES[kind]
    found = certificate_of(kind)
    kinds = ["real", "simulated"] if has_own else ["real"]
    for of in kinds:
        assert list(found[of]["estimates"]) == names
        values = [each["log_likelihood"] for each in found[of]["estimates"].values()]
        assert np.isfinite(values).all()
    assert (found["annealing"] is None) == (ANNEALED not in names) == bool(found["notes"])
    if ANNEALED in names:
        lower, upper = found["simulated"]["interval"]
        assert lower < upper
        assert found["real"]["gap"]["approximation"] >= 0
    else:
        (note,) = found["notes"]
        assert note.startswith("neither annealed nor fitted: expected latents that may be any real numbers")


def test_codes_that_are_certain_are_refused():
    with pytest.raises(UsageError, match="expected a model whose encoder draws z"):
        certificate_of("codes")


def test_too_few_examples_are_refused():
    with pytest.raises(
        UsageError, match=r"expected at least 8 examples to certify.*got 7; take more by --num-examples"
    ):
        certificate_of("hierarchical", num_examples=7)

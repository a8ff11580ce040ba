"""Each check finds what it is of, on evidence that differs from a healthy run in that alone."""

import pytest

from vae_jax.doctor.checks import CHECKS, findings
from vae_jax.doctor.evidence import Evidence, OfSplit

STEPS = (0, 100, 200, 300, 400, 500, 600)
RISING = (-200.0, -110.0, -102.0, -100.5, -100.1, -100.05, -100.0)


def validations(values, error=1.0):
    return [
        {"step": step, "split": "validation", "value": value, "value_standard_error": error}
        for step, value in zip(STEPS, values, strict=True)
    ]


def trained(value=-100.0, log_likelihood=-80.0, kl=20.0, **more):
    return [{"step": 600, "split": "train", "value": value, "log_likelihood": log_likelihood, "kl": kl, **more}]


HEALTHY = Evidence(
    evaluation={"elbo": -100.0, "kl": 20.0, "active_units": 8, "latent_size": 10, "share_of_heavy_tails": 0.0},
    metrics=validations(RISING) + trained(),
    splits={"train": OfSplit(-99.0, 1.0, -79.0, 20.0, 1.0), "test": OfSplit(-101.0, 1.0, -81.0, 20.0, 1.5)},
    order={"share_in_holes": 0.02, "share_out_of_reach": 0.02},
    residual=1.1,
    values=(0.1, 0.3),
    size=784,
    shared={"validation": 0.0, "test": 0.001},
    classes={"train": [100, 110, 90], "test": [10, 11, 9]},
)


def with_evaluation(**changed):
    return HEALTHY._replace(evaluation=dict(HEALTHY.evaluation) | changed)


def with_splits(**changed):
    return HEALTHY._replace(splits=dict(HEALTHY.splits) | changed)


WITH_ONE_FAULT = {
    "diverged": HEALTHY._replace(metrics=validations((*RISING[:-1], None)) + trained()),
    "skipped steps": HEALTHY._replace(metrics=validations(RISING) + trained(num_skipped=7)),
    "nothing was learned": HEALTHY._replace(metrics=validations((-100.0,) * 7) + trained()),
    "overfitting": HEALTHY._replace(metrics=validations((-200, -100, -101, -104, -107, -110, -115)) + trained()),
    "overfitted encoder": with_splits(test=OfSplit(-101.0, 1.0, -81.0, 20.0, 9.0)),
    "a mean for a sum": HEALTHY._replace(metrics=validations(RISING) + trained(-20.1, -80 / 784, 20.0)),
    "the KL weighs too much": with_evaluation(active_units=2)._replace(
        metrics=validations(RISING) + trained(-240.0, -80.0, 20.0)
    ),
    "the KL weighs too little": HEALTHY._replace(metrics=validations(RISING) + trained(-80.0, -80.0, 20.0)),
    "posterior collapse": with_evaluation(active_units=0, kl=0.01),
    "dead codes": with_evaluation(code_usage=0.1, code_perplexity=5.0),
    "the noise of p(x|z) is too small": HEALTHY._replace(residual=5.0),
    "the noise of p(x|z) is too large": HEALTHY._replace(residual=0.1),
    "unscaled data": HEALTHY._replace(values=(120.0, 70.0)),
    "codes and prior do not meet": HEALTHY._replace(order={"share_in_holes": 0.6, "share_out_of_reach": 0.0}),
    "leaked splits": HEALTHY._replace(shared={"validation": 0.0, "test": 0.4}),
    "unbalanced splits": HEALTHY._replace(classes={"train": [100, 110, 90], "test": [0, 0, 300]}),
    "ended early": HEALTHY._replace(metrics=validations((-200, -180, -160, -140, -120, -110, -100)) + trained()),
    "an NLL that is too high": with_evaluation(share_of_heavy_tails=0.8),
}


def test_a_healthy_run_has_no_finding():
    assert findings(HEALTHY) == []


@pytest.mark.parametrize(("name", "evidence"), WITH_ONE_FAULT.items(), ids=WITH_ONE_FAULT)
def test_a_fault_is_found_and_nothing_else(name, evidence):
    (finding,) = findings(evidence)
    assert finding.name == name
    assert finding.evidence
    assert finding.remedy


def test_every_check_has_a_row():
    """The noise has one check for both of its rows."""
    assert len(WITH_ONE_FAULT) == len(CHECKS) + 1


def test_faults_come_before_hints():
    both = HEALTHY._replace(shared={"test": 0.4}, evaluation=dict(HEALTHY.evaluation) | {"share_of_heavy_tails": 0.9})
    assert [finding.level for finding in findings(both)] == ["fault", "hint"]


def test_what_is_not_known_is_not_found():
    nothing = Evidence({}, [], None, None, None, None, None, {}, None)
    assert findings(nothing) == []

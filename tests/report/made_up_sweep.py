"""Sweeps that nobody ran: records from a formula whose best setting, ELBO and gradients are known.

The rate-distortion frontier is D = 60 + 200 exp(−R / 12): its slope is −β where R = 12 ln(200 / 12β), D = 60 + 12β.
"""

import itertools

import numpy as np

from vae_jax.ranking import RunRecord

BETAS = (1.0, 2.0, 4.0, 8.0)
RATES = (1e-4, 3e-4, 1e-3, 3e-3)
BEST_RATE = 1e-3
STEPS = np.arange(0, 4_001, 200)


def frontier(beta):
    """Rate and distortion, in nats, of the best model for a beta."""
    return 12 * np.log(200 / (12 * beta)), 60 + 12 * beta


def penalty(learning_rate):
    """Nats that a learning rate other than the best costs."""
    return 7 * np.log10(learning_rate / BEST_RATE) ** 2


def record(name, fields, *, state="finished", noise=0.0, evaluated=True):
    """A run of these fields: `noise` nats better than expected."""
    fields = {"beta": 1.0, "learning_rate": BEST_RATE, "seed": 0, "num_steps": 4_000} | fields
    rate, distortion = frontier(fields["beta"])
    distortion = distortion + penalty(fields["learning_rate"]) - noise
    last = {"stopped": 1_000, "diverged": 1_600, "running": 2_400, "waiting": -1}.get(state, 4_000)
    speed = 300 * (BEST_RATE / fields["learning_rate"]) ** 0.4
    lines = []
    for step in STEPS[: np.searchsorted(STEPS, last, "right")]:
        start = np.exp(-step / speed)
        values = {"log_likelihood": -distortion - 130 * start, "kl": rate * (1 - start)}
        values["value"] = values["log_likelihood"] - fields["beta"] * values["kl"]
        lines.append({"step": int(step), "split": "validation"} | {key: float(value) for key, value in values.items()})
    evaluation = None
    if state == "finished" and evaluated:
        evaluation = {
            "log_likelihood": -distortion, "kl": rate, "elbo": -distortion - rate, "nll": distortion + rate - 4.0,
            "active_units": int(min(20, 2 + rate // 2)), "latent_size": 20, "split": "test",
        }  # fmt: skip
    return RunRecord(name, fields, lines, evaluation, state)


def sweep(axes, *, states=None, seed=0):
    """All combinations of some fields; `states` names those lanes that did not finish."""
    rng = np.random.default_rng(seed)
    return [
        record(f"{i:04d}", dict(zip(axes, values, strict=True)), state=(states or {}).get(i, "finished"), noise=noise)
        for i, values in enumerate(itertools.product(*axes.values()))
        for noise in [rng.normal(0, 0.4)]
    ]


def grid(num_seeds=4, **rest):
    """4 betas x 4 learning rates x seeds: 64 lanes by default."""
    return sweep({"beta": BETAS, "learning_rate": RATES, "seed": tuple(range(num_seeds))}, **rest)


def one():
    """A sweep of a single lane."""
    return sweep({"beta": (1.0,)})


def four():
    """Four lanes that differ in beta alone."""
    return sweep({"beta": BETAS})


def named():
    """Fields that are no numbers, a diverged lane, a stopped one, and missing evaluations."""
    axes = {"activation": ("relu", "gelu", "tanh"), "hidden_sizes": ([512], [512, 256]), "seed": (0, 1)}
    records = sweep(axes, states={2: "diverged", 5: "stopped", 11: "running", 10: "waiting"})
    worse = {"relu": 0.0, "gelu": -3.0, "tanh": 6.0}
    return [shifted(item, worse[item.fields["activation"]] + len(item.fields["hidden_sizes"])) for item in records]


def search(num=512, seed=3):
    """Draws of three numbers, of which dropout does nothing; those with a high learning rate diverge, bad ones stop."""
    rng = np.random.default_rng(seed)
    records = []
    for i in range(num):
        fields = {
            "beta": float(np.exp(rng.uniform(np.log(0.5), np.log(8)))),
            "learning_rate": float(10 ** rng.uniform(-4, -2)),
            "dropout": float(rng.uniform(0, 0.5)),
        }
        state = "diverged" if fields["learning_rate"] > 8e-3 else "finished"
        if state == "finished" and penalty(fields["learning_rate"]) > 3 and rng.uniform() < 0.6:
            state = "stopped"
        records.append(record(f"{i:04d}", fields, state=state, noise=rng.normal(0, 0.4)))
    return records


def wide(num=10):
    """More fields than fit side by side, of long values."""
    rng = np.random.default_rng(0)
    names = [f"network.block_{i}_size" for i in range(num - 1)]
    sizes = [[512] * depth + [64] * width for depth in range(1, 5) for width in (1, 2, 3)]
    return [
        record(
            f"{i:04d}",
            {"hidden_sizes": sizes[i % len(sizes)]}
            | {name: float(value) for name, value in zip(names, row, strict=True)},
            noise=rng.normal(),
        )
        for i, row in enumerate(rng.uniform(0, 4, (40, len(names))))
    ]


def shifted(item, nats):
    """The same run, so many nats worse."""
    lines = [line | {key: line[key] - nats for key in ("value", "log_likelihood")} for line in item.metrics]
    evaluation = item.evaluation and item.evaluation | {
        "nll": item.evaluation["nll"] + nats,
        "elbo": item.evaluation["elbo"] - nats,
        "log_likelihood": item.evaluation["log_likelihood"] - nats,
    }
    return item._replace(metrics=lines, evaluation=evaluation)

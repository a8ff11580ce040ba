"""A sweep opens no more files than its lanes at once need, however many lanes it has."""

from pathlib import Path

from descriptors import num_open

from vae_jax.catalogue import load_experiment
from vae_jax.sweeps.config import LanesConfig
from vae_jax.sweeps.sweep import Sweep, begin
from vae_jax.sweeps.values.axes import Values
from vae_jax.sweeps.work.judge import StackJudge

FILE = load_experiment(Path(__file__).parent / "small_experiment.py")


def test_lanes_that_have_ended_leave_no_descriptors_open(tmp_path, monkeypatch):
    counts, end = [], StackJudge.end

    def ended(self, slot, status, nll):
        end(self, slot, status, nll)
        counts.append(num_open(at_most=max(counts) if len(counts) >= 3 else None))

    monkeypatch.setattr(StackJudge, "end", ended)
    monkeypatch.setattr(Sweep, "report", lambda sweep: None)
    sweep = begin(FILE, FILE.Config(), {"seed": Values(tuple(range(12)))}, run_dir=tmp_path / "sweep", num_steps=2)
    assert sweep.work(lanes=LanesConfig(num=3, map="vmap"), show="lines")
    assert len(counts) == 12
    # The lanes of the last wave are closed one after another, so that the end needs no more than the beginning.
    assert max(counts[3:]) <= max(counts[:3]), counts

"""The command `sweep`, from its first line to the page that it leaves."""

import contextlib
import io
import json
import shutil
from pathlib import Path

import pytest

from vae_jax.cli.main import main

SMALL = Path(__file__).parents[1] / "sweeps" / "small_experiment.py"
COMMAND = ["sweep", str(SMALL), "--beta", "1", "4", "--seed", "0:2", "--num-steps", "20", "--lanes.map", "vmap"]


@pytest.fixture(scope="module")
def swept(tmp_path_factory):
    """A sweep's directory, and the JSON lines that came meanwhile."""
    path = tmp_path_factory.mktemp("sweep") / "betas"
    with contextlib.redirect_stdout(io.StringIO()) as said:
        assert main([*COMMAND, "--run-dir", str(path), "--show", "json"]) == 0
    return path, [json.loads(line) for line in said.getvalue().splitlines()]


@pytest.fixture
def stopped(swept, tmp_path):
    """The same, as if its last lanes had not ended: their stack is gone, so they begin anew."""
    path = Path(shutil.copytree(swept[0], tmp_path / "stopped"))
    for lane in ("0002", "0003"):
        note = json.loads((path / "lanes" / lane / "lane.json").read_text())
        (path / "lanes" / lane / "lane.json").write_text(json.dumps(note | {"state": "running"}))
    (path / "report.html").unlink()
    return path


def test_every_validation_and_every_end_is_a_json_line(swept):
    path, lines = swept
    validations = [line for line in lines if "value" in line]
    ends = [line for line in lines if "best" in line]
    assert [(line["lane"], line["step"]) for line in validations] == [
        (lane, step) for step in (0, 10, 20) for lane in range(4)
    ]
    assert [(line["lane"], line["status"], line["fields"]) for line in ends] == [
        (lane, "finished", {"beta": (1.0, 4.0)[lane // 2], "seed": lane % 2}) for lane in range(4)
    ]
    metrics = [json.loads(line) for line in (path / "lanes/0001/metrics.jsonl").read_text().splitlines()]
    of_lane = [line["value"] for line in validations if line["lane"] == 1]
    assert of_lane == [line["value"] for line in metrics if line["split"] == "validation"]


def test_what_a_sweep_leaves(swept):
    path, _ = swept
    assert {"sweep.json", "experiment.py", "environment.json", "lanes", "report.html"} <= {
        p.name for p in path.iterdir()
    }
    page = (path / "report.html").read_text()
    assert "lanes/000" in page
    assert "vae-jax sweep" in page
    with_report = [lane.name for lane in (path / "lanes").iterdir() if (lane / "report.html").is_file()]
    assert len(with_report) == 1


def test_a_lane_is_evaluated_and_reported_like_any_run(vae_jax, swept):
    path, _ = swept
    lane = path / "lanes" / "0003"
    result = vae_jax("evaluate", lane, "--num-samples", "20")
    assert result.code == 0
    assert "NLL" in result.out
    assert (lane / "report.html").is_file()
    compared = vae_jax("compare", path)
    assert compared.code == 0
    assert [line.split()[0] for line in compared.out.splitlines()[1:3]] == ["1", "2"]


def test_resume_goes_on_with_what_has_not_ended(vae_jax, swept, stopped):
    kept = (stopped / "lanes/0000/metrics.jsonl").stat().st_mtime_ns
    result = vae_jax("resume", stopped)
    assert result.code == 0
    assert "lanes: 4 finished" in result.out
    assert (stopped / "report.html").is_file()
    assert (stopped / "lanes/0000/metrics.jsonl").stat().st_mtime_ns == kept
    found, expected = (json.loads((path / "lanes/0003/evaluation.json").read_text()) for path in (stopped, swept[0]))
    assert found["nll"] == pytest.approx(expected["nll"], rel=1e-4)


def test_the_page_can_be_written_anew(vae_jax, swept):
    path, _ = swept
    page = (path / "report.html").read_bytes()
    (path / "report.html").unlink()
    assert vae_jax("report", path).out.split() == [str(path / "report.html")]
    assert len((path / "report.html").read_bytes()) == pytest.approx(len(page), rel=0.2)


def test_a_sweep_whose_experiment_has_changed_is_not_gone_on_with(refusal, swept, tmp_path):
    path, _ = swept
    changed = tmp_path / "small_experiment.py"
    changed.write_text(SMALL.read_text() + "\n# Another line.\n")
    words = [str(changed) if word == str(SMALL) else word for word in COMMAND]
    line = refusal(*words, "--run-dir", path)
    assert line.startswith("expected the experiment file that the sweep in ")
    assert "experiment.py has changed; go on with the old one by 'vae-jax resume" in line


def test_a_lane_that_does_not_fit_even_alone(vae_jax, tmp_path):
    result = vae_jax(*COMMAND, "--run-dir", tmp_path / "sweep", "--lanes.memory", "1.06e-6")
    assert result.code == 2
    last = result.err.splitlines()[-1]
    assert last.startswith("vae-jax: expected a lane that fits into the memory; a single one needs ")
    assert "may take 1.0 KiB, 90% of what there is" in last


def test_jobs_are_refused_where_there_is_no_cluster(vae_jax, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    result = vae_jax(*COMMAND, "--run-dir", tmp_path / "sweep", "--slurm.workers", "2")
    assert result.code == 2
    assert "expected a machine of a SLURM cluster; it has no sbatch" in result.err

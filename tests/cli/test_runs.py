"""A run directory from begin to end: what is written, and what is never overwritten."""

import errno
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import jax
import numpy as np
import pytest

import vae_jax as vj
from vae_jax.catalogue import load_experiment
from vae_jax.config.saved import config_from
from vae_jax.files import write_bytes
from vae_jax.machine.flops import in_words
from vae_jax.messages import RunError, UsageError
from vae_jax.outline import outline
from vae_jax.runs.begin import open_run
from vae_jax.runs.directory import RunDirectory, next_free
from vae_jax.runs.display import Plain
from vae_jax.runs.records import read_record
from vae_jax.runs.work import of_program
from vae_jax.training import loop
from vae_jax.training.checkpoint import Best
from vae_jax.training.metrics import read_metrics

STEPS = [(0, "validation"), (7, "train"), (10, "validation"), (14, "train"), (20, "validation"), (21, "train")]
STEPS += [(28, "train"), (30, "train"), (30, "validation")]


def read(path):
    return json.loads(path.read_text("utf-8"))


def empty_a_checkpoint(run, step):
    for path in (run / "checkpoints" / str(step)).rglob("*"):
        if path.is_file():
            path.write_bytes(b"")


# What a run leaves


def test_the_config_the_file_and_the_environment_are_kept(trained, tiny):
    assert read(trained / "config.json") == {
        "experiment": "tiny_experiment",
        "config": {
            "seed": 0,
            "latent_size": 2,
            "hidden_sizes": [16],
            "learning_rate": 0.01,
            "batch_size": 100,
            "validate_every": 10,
        },
        "num_steps": None,
    }
    assert (trained / "experiment.py").read_bytes() == tiny.read_bytes()
    environment = read(trained / "environment.json")
    assert environment["jax"] == jax.__version__
    assert {"vae_jax", "python", "device", "git", "optax", "flax", "orbax-checkpoint", "numpy"} <= environment.keys()
    experiment = open_run(trained).experiment
    assert environment["flops_per_step"] == of_program(experiment, outline(experiment))["flops_per_step"]
    assert f">{in_words(environment['flops_per_step'])}<" in (trained / "report.html").read_text("utf-8")


def test_the_metrics_are_a_line_each(trained):
    lines = read_metrics(trained / "metrics.jsonl")
    assert [(line["step"], line["split"]) for line in lines] == STEPS
    for line in lines:
        names = {"value", "log_likelihood", "kl"}
        names |= {"gradient_norm", "num_skipped"} if line["split"] == "train" else {"active_units", "kl_per_dimension"}
        assert names <= line.keys()
    validated = [line["value"] for line in lines if line["split"] == "validation"]
    assert validated[-1] > validated[0]  # it has learned something


def test_the_evaluation_says_what_it_is_of(trained):
    result = read(trained / "evaluation.json")
    assert result["data"] == "digits"
    assert result["split"] == "test"
    assert result["transform"] == "dynamic binarisation"
    assert result["selection"] == "the best bound on the validation split"
    assert result["checkpoint_step"] in (0, 10, 20, 30)
    assert result["num_samples"] == 20
    assert result["num_examples"] == 176
    assert result["elbo"] < -result["nll"] + 5 * result["elbo_standard_error"]
    np.testing.assert_allclose(result["bits_per_dim"], result["nll"] / 64 / np.log(2), rtol=1e-6)


@pytest.mark.usefixtures("without_a_page")
def test_train_says_where_it_is_and_how_good(vae_jax, tiny, tmp_path):
    path = tmp_path / "new" / "run"
    result = vae_jax("train", tiny, "--run-dir", path, "--num-steps", 4, "--latent-size", 3)
    assert result.code == 0
    lines = result.out.splitlines()
    assert lines[0] == f"run directory: {path}"
    assert lines[1].startswith("all steps done: 4; the best validation bound was at step ")
    assert lines[2] == "digits, test split (176 examples, dynamic binarisation):"
    assert [line.split()[0] for line in lines[3:-1]] == ["ELBO", "log", "KL", "squared", "NLL", "bits", "active"]
    assert "(20 importance samples, worth " in result.out
    assert lines[-1] == f"report: {path / 'report.html'}"
    assert "step 0/4  validation  value " in result.err
    assert "step 4/4  validation  value " in result.err
    assert read(path / "config.json")["num_steps"] == 4
    assert read(path / "config.json")["config"]["latent_size"] == 3
    assert read(path / "evaluation.json")["latent_size"] == 3
    assert read_metrics(path / "metrics.jsonl")[-1]["step"] == 4


def test_the_same_run_again_is_the_same_to_the_byte(vae_jax, trained, tiny, tmp_path, contents):
    """All but the checkpoints, whose files hold times; and those of a script, three lines of Python."""
    from_script = vj.train(tiny, run_dir=tmp_path / "run")
    expected, found = contents(trained), contents(tmp_path / "run")
    assert {name for name in expected if not name.startswith("checkpoints")} <= found.keys()
    for name, content in expected.items():
        if not name.startswith("checkpoints"):
            assert found[name] == content, name
    (params, _), (others, _) = from_script.params(), open_run(trained).params()
    jax.tree.map(np.testing.assert_array_equal, params, others)
    assert from_script.vae().posterior(np.zeros((8, 8), np.float32)).mean().shape == (2,)


@pytest.mark.usefixtures("without_a_page")
def test_the_command_on_the_page_of_an_own_file_repeats_the_run(vae_jax, trained, tmp_path, monkeypatch):
    page = (trained / "report.html").read_text("utf-8")
    (told,) = re.findall(r"<pre><code>(.*)</code></pre>", page)
    assert "In the directory that this page is in" in page
    monkeypatch.chdir(trained)
    program, *words = shlex.split(told)
    assert program == "vae-jax"
    assert vae_jax(*words, "--run-dir", tmp_path / "again").code == 0
    for name in ("config.json", "metrics.jsonl", "evaluation.json"):
        assert (tmp_path / "again" / name).read_bytes() == (trained / name).read_bytes()


# Where a run may be made


def test_an_existing_run_is_refused(refusal, run, tiny, contents):
    before = contents(run)
    assert refusal("train", tiny, "--run-dir", run) == (
        f"expected a new run directory; {run} holds a run; go on with it by 'vae-jax resume {run}', "
        "or give --overwrite or another --run-dir"
    )
    assert contents(run) == before


@pytest.mark.usefixtures("without_a_page")
def test_overwrite_replaces_it_whole(vae_jax, run, tiny):
    (run / "images").mkdir(exist_ok=True)
    (run / "images" / "old.png").touch()
    assert vae_jax("train", tiny, "--run-dir", run, "--overwrite", "--num-steps", 2).code == 0
    assert not (run / "images" / "old.png").exists()
    assert not (run / "checkpoints" / "30").exists()
    assert read_metrics(run / "metrics.jsonl")[-1]["step"] == 2


def test_overwrite_by_something_broken_loses_nothing(refusal, run, experiment_file, contents):
    path, before = experiment_file(('vj.data.load("digits")', "{}[0]")), contents(run)
    assert "KeyError" in refusal("train", path, "--run-dir", run, "--overwrite")
    assert contents(run) == before


def test_a_folder_of_something_else_is_refused_and_left_alone(refusal, tiny, tmp_path, contents):
    folder = tmp_path / "thesis"
    folder.mkdir()
    (folder / "chapter.tex").write_text("words")
    for option in ((), ("--overwrite",)):
        assert refusal("train", tiny, "--run-dir", folder, *option) == (
            f"expected a new or empty directory for the run; {folder} holds chapter.tex and is no run; give another "
            "--run-dir"
        )
    assert list(folder.iterdir()) == [folder / "chapter.tex"]


def test_a_file_is_refused_and_left_alone(refusal, tiny, tmp_path):
    file = tmp_path / "run"
    file.write_text("words")
    assert refusal("train", tiny, "--run-dir", file) == (
        f"expected a directory for the run; {file} is a file; give another --run-dir"
    )
    assert file.read_text() == "words"


def test_a_folder_that_cannot_be_made_is_one_line(vae_jax, tiny, tmp_path):
    (tmp_path / "file").touch()
    result = vae_jax("train", tiny, "--run-dir", tmp_path / "file" / "run")
    assert result.code in (1, 2)
    assert len(result.err.splitlines()) == 1
    assert str(tmp_path / "file") in result.err


@pytest.mark.parametrize(
    "left", [[], ["environment.json", "data.json"], ["environment.json", ".experiment.py.writing"], [".lock"]]
)
def test_what_a_process_killed_while_it_began_has_left_is_no_obstacle(tmp_path, left):
    for name in left:
        (tmp_path / name).touch()
    RunDirectory(tmp_path).check_free(overwrite=False)


def test_without_a_directory_it_is_the_next_free_one(tmp_path):
    (tmp_path / "runs" / "vae-2").mkdir(parents=True)
    assert [next_free(tmp_path / "runs", "vae").name for _ in range(3)] == ["vae-1", "vae-3", "vae-4"]


def test_a_second_process_is_refused(refusal, run, tiny, contents):
    """While another one holds the directory, whatever it is asked to do."""
    code = f"""
from pathlib import Path
from vae_jax.runs.directory import RunDirectory
with RunDirectory(Path({str(run)!r})).lock():
    print("locked", flush=True)
    input()
"""
    other = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert other.stdout.readline() == "locked\n"
        before = contents(run)
        for arguments in (
            ("resume", run),
            ("evaluate", run),
            ("report", run),
            ("train", tiny, "--run-dir", run, "--overwrite"),
        ):
            assert refusal(*arguments) == (
                f"expected {run} to be free; another process is at work in it; wait for it, or use another --run-dir"
            )
        # A notebook that looks at a run while it trains must not take its half-written checkpoint away either.
        unfinished = Path(shutil.copytree(run / "checkpoints" / "30", run / "checkpoints" / "40.orbax-checkpoint-tmp"))
        with pytest.raises(UsageError, match="another process is at work in it"):
            open_run(run).vae()
        shutil.rmtree(unfinished)
        assert contents(run) == before
    finally:
        other.communicate("\n")
    with RunDirectory(run).lock():  # and free again, when the other has ended
        pass


# Going on


def test_a_finished_run_that_is_resumed_is_as_it_was(vae_jax, run, trained, contents):
    assert vae_jax("resume", run).code == 0
    assert contents(run) == contents(trained)


@pytest.mark.usefixtures("without_a_page")
def test_more_steps(vae_jax, run):
    assert vae_jax("resume", run, "--num-steps", 34).code == 0
    assert [(line["step"], line["split"]) for line in read_metrics(run / "metrics.jsonl")] == [
        *STEPS,
        (34, "train"),
        (34, "validation"),
    ]
    assert read(run / "config.json")["num_steps"] == 34


def stop_at(step, monkeypatch):
    """A signal while the validation of a step is shown."""
    shown = Plain.validation

    def validation(self, line, is_best):
        shown(self, line, is_best)
        if line["step"] == step:
            os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(Plain, "validation", validation)


def test_a_signal_saves_and_says_how_to_go_on_and_the_end_is_the_same(
    vae_jax, refusal, trained, tiny, tmp_path, monkeypatch, contents
):
    path = tmp_path / "run"
    with monkeypatch.context() as patch:
        stop_at(10, patch)
        result = vae_jax("train", tiny, "--run-dir", path)
    assert result.code == 130
    assert result.out == (
        f"run directory: {path}\nstopped by SIGTERM at step 10, saved; go on with: vae-jax resume {path}\n"
    )
    assert not (path / "evaluation.json").exists()
    assert f"go on with it by 'vae-jax resume {path}'" in refusal("train", tiny, "--run-dir", path)

    assert vae_jax("resume", path).code == 0
    expected = {name: content for name, content in contents(trained).items() if not name.startswith("checkpoints")}
    found = {name: content for name, content in contents(path).items() if not name.startswith("checkpoints")}
    assert found == expected
    for latest in ("latest", "best"):
        params, expected_params = (open_run(some).params(latest)[0] for some in (path, trained))
        jax.tree.map(np.testing.assert_array_equal, params, expected_params)


@pytest.mark.usefixtures("without_a_page")
def test_more_steps_outlast_an_interruption(vae_jax, run, monkeypatch):
    with monkeypatch.context() as patch:
        stop_at(40, patch)
        assert "stopped by SIGTERM at step 40" in vae_jax("resume", run, "--num-steps", 50).out
    assert vae_jax("resume", run).code == 0
    assert read_metrics(run / "metrics.jsonl")[-1]["step"] == 50


@pytest.mark.usefixtures("without_a_page")
def test_a_damaged_newest_checkpoint_is_said_and_passed_over(vae_jax, run, trained):
    empty_a_checkpoint(run, 30)
    result = vae_jax("resume", run)
    assert result.code == 0
    (line,) = [line for line in result.err.splitlines() if "damaged" in line]
    assert line.startswith("checkpoint 30 is damaged (")
    back = f"'mv {run / 'damaged' / '30'} {run / 'checkpoints'}' brings it back"
    assert line.endswith(f"and was moved to damaged/, from where {back}; going on from step 20")
    for name in ("metrics.jsonl", "evaluation.json"):
        assert (run / name).read_bytes() == (trained / name).read_bytes()


def test_no_checkpoint_that_can_be_read(vae_jax, run):
    for path in (run / "checkpoints").iterdir():
        empty_a_checkpoint(run, path.name)
    for arguments in (("evaluate", run), ("report", run), ("sample", run, "--out", run / "a.png")):
        result = vae_jax(*arguments)
        assert result.code == 1
        assert result.err.splitlines()[-1] == (
            f"vae-jax: expected a checkpoint in {run / 'checkpoints'} that can be read; there is none; "
            "train anew with --overwrite"
        )
        assert not (run / "damaged").exists()
    result = vae_jax("resume", run)
    assert result.code == 1
    assert result.err.splitlines()[-1] == (
        f"vae-jax: no checkpoint in {run / 'checkpoints'} can be read; put one back from {run / 'damaged'} that is "
        "sound, or train anew with --overwrite"
    )


def test_a_run_that_has_not_trained_cannot_be_evaluated(refusal, run):
    shutil.rmtree(run / "checkpoints")
    assert refusal("evaluate", run, code=1) == (
        f"expected a checkpoint in {run / 'checkpoints'}; there is none; train first"
    )


def test_values_that_are_never_finite_end_the_run_with_1(vae_jax, experiment_file, tmp_path):
    path = experiment_file(
        ("vj.objectives.over_batch(vj.objectives.elbo)", "vj.objectives.over_batch(never)"),
        ("def experiment(config", "def never(key, vae, x):\n    return 0 * x.sum() / 0, {}\n\n\ndef experiment(config"),
        ("log_every=7", "log_every=7, max_skipped=7"),
    )
    result = vae_jax("train", path, "--run-dir", tmp_path / "run")
    assert result.code == 1
    assert result.err.splitlines()[-1] == (
        "vae-jax: expected finite values, gradients and updates; the last 7 steps, 1 to 7, had none; "
        f"the last good checkpoint is {tmp_path / 'run' / 'checkpoints' / '0'}; "
        "lower the learning rate, or clip the gradient"
    )


@pytest.mark.usefixtures("without_a_page")
def test_fewer_steps_than_are_done_are_refused_and_not_recorded(refusal, run, contents):
    before = contents(run)
    assert refusal("resume", run, "--num-steps", 20) == (
        f"expected a number of steps of at least 30, which the run in {run} has done; got 20; "
        "give a larger one, or none"
    )
    assert contents(run) == before


@pytest.mark.usefixtures("without_a_page")
def test_a_resumed_run_replaces_no_evaluation(vae_jax, run):
    for arguments in (("--split", "validation"), ("--num-samples", 5), ("--select", "latest")):
        assert vae_jax("evaluate", run, *arguments).code == 0
    written = {path.name: path.read_bytes() for path in run.glob("evaluation*.json")}
    assert sorted(written) == [
        "evaluation-test-20-latest.json",
        "evaluation-test-5.json",
        "evaluation-validation-20.json",
        "evaluation.json",
    ]
    assert vae_jax("resume", run).code == 0
    assert {path.name: path.read_bytes() for path in run.glob("evaluation*.json")} == written
    record = read_record(run)
    assert record.evaluation["split"] == "test"


def test_checkpoints_that_are_gone_are_not_begun_anew(vae_jax, run, contents):
    shutil.rmtree(run / "checkpoints")
    before = contents(run)
    result = vae_jax("resume", run)
    assert result.code == 1
    assert result.err.splitlines()[-1] == (
        f"vae-jax: expected the checkpoints of a run that has done 30 steps in {run / 'checkpoints'}; "
        "there are none; bring them back, or train anew with --overwrite"
    )
    assert contents(run) == before


@pytest.mark.parametrize("loss", [shutil.rmtree, lambda run: run.rename(run.with_name("elsewhere"))])
def test_a_run_directory_that_is_taken_away_ends_the_run_in_a_line(vae_jax, tiny, tmp_path, monkeypatch, loss):
    path, shown = tmp_path / "run", Plain.validation

    def validation(self, line, is_best):
        shown(self, line, is_best)
        if line["step"] == 10:
            loss(path)

    monkeypatch.setattr(Plain, "validation", validation)
    result = vae_jax("train", tiny, "--run-dir", path)
    assert result.code == 1
    assert result.err.splitlines()[-1] == (
        f"vae-jax: expected {path} to stay where it is while it is written to; it was removed or renamed; "
        "bring it back and go on with it, or begin anew"
    )
    assert not path.exists()


@pytest.mark.parametrize(
    ("name", "content", "commands"),
    [
        ("environment.json", "{", ("resume", "evaluate", "report")),
        ("environment.json", "[1]", ("report",)),
        ("evaluation.json", "{", ("report", "evaluate --num-samples 7")),
        ("metrics.jsonl", "garbage\n", ("resume", "evaluate", "report")),
    ],
)
def test_a_damaged_file_is_named_in_one_line(vae_jax, run, name, content, commands):
    (run / name).write_text(content)
    for command in commands:
        result = vae_jax(*command.split(), run)
        assert result.code == 2
        assert not list(run.glob("evaluation-*.json"))
        (line,) = [line for line in result.err.splitlines() if not line.startswith("step ")]
        assert re.match(f"vae-jax: expected (JSON|an object) in (line 1 of )?{run / name}; ", line), line


@pytest.mark.parametrize("file", ["metrics.jsonl", "config.json", "evaluation.json"])
def test_a_full_disk_names_the_file_and_the_next_start_goes_on(vae_jax, trained, tiny, tmp_path, monkeypatch, file):
    path, sync = tmp_path / "run", os.fsync

    def full(number):
        if os.readlink(f"/proc/self/fd/{number}").endswith((f"/run/{file}", f"/run/.{file}.writing")):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        sync(number)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        result = vae_jax("train", tiny, "--run-dir", path)
    assert result.code == 1
    assert result.err.splitlines()[-1] == f"vae-jax: [Errno 28] No space left on device: '{path / file}'"
    assert not list(path.glob(".*.writing"))
    again = ("resume", path) if (path / "config.json").exists() else ("train", tiny, "--run-dir", path)
    assert vae_jax(*again).code == 0
    for name in ("metrics.jsonl", "evaluation.json", "report.html"):
        assert (path / name).read_bytes() == (trained / name).read_bytes()


def test_a_run_that_can_only_be_read_is_looked_at_elsewhere(vae_jax, refusal, run, tmp_path, monkeypatch, contents):
    """A directory that only root may write to would not do here: the tests may be run by root."""
    before, access = contents(run), os.access
    monkeypatch.setattr(os, "access", lambda path, mode: access(path, mode) and not str(path).startswith(str(run)))
    monkeypatch.setattr("filelock.FileLock.acquire", lambda *_, **__: pytest.fail("nothing can be written here"))
    line = refusal("evaluate", run)
    assert line == f"expected to write to {run}, which can only be read; give another directory by --out"
    for command in (("evaluate", run, "--out", tmp_path / "out"), ("report", run, "--out", tmp_path / "page")):
        assert vae_jax(*command).code == 0
    assert vae_jax("sample", run, "--out", tmp_path / "samples.png").code == 0
    assert (tmp_path / "out" / "evaluation.json").read_bytes() == (run / "evaluation.json").read_bytes()
    assert (tmp_path / "page" / "report.html").read_bytes() == (run / "report.html").read_bytes()
    assert contents(run) == before


def test_a_run_that_diverges_at_its_end_says_so_everywhere_and_ends_with_1(vae_jax, experiment_file, tmp_path):
    """Its first ten steps are good; too few are skipped to end it at once."""
    path = experiment_file(
        ("vj.objectives.over_batch(vj.objectives.elbo)", "exploding"),
        (
            "def experiment(config",
            "def exploding(key, vae, batch, step):\n"
            "    values, metrics = vj.objectives.over_batch(vj.objectives.elbo)(key, vae, batch, step)\n"
            "    import jax.numpy as jnp\n"
            "    return jnp.where(step < 3, 1e30 * values, jnp.where(step < 23, jnp.nan, values)), metrics\n\n\n"
            "def experiment(config",
        ),
        ("learning_rate: float = 1e-2", "learning_rate: float = 1e30"),
    )
    result = vae_jax("train", path, "--run-dir", tmp_path / "run")
    assert result.code == 1
    assert result.err.splitlines()[-1] == (
        "vae-jax: expected a finite bound at the end; the validation of step 30 has none; what is reported is step 0; "
        "lower the learning rate, or clip the gradient"
    )
    evaluation = read(tmp_path / "run" / "evaluation.json")
    assert (evaluation["num_steps"], evaluation["checkpoint_step"]) == (30, 0)
    assert evaluation["num_skipped"] >= 20
    page = (tmp_path / "run" / "report.html").read_text("utf-8")
    for note in (
        "the run has diverged: its last validation, at step 30, had no finite value",
        f"{evaluation['num_skipped']} of 30 training steps were skipped: their value, gradient or update was not "
        "finite, or the gradient too long",
        "these are the numbers of the untrained start: no validation of the training was better",
    ):
        assert note in evaluation["notes"]
        assert f"note: {note}" in result.out
        assert note[1:] in page


# What is not a run


@pytest.mark.parametrize(
    "arguments",
    [("resume",), ("evaluate",), ("report",), ("sample", "--out", "a.png"), ("reconstruct", "--out", "a.png")],
)
def test_what_is_not_a_run_is_refused(refusal, tmp_path, arguments):
    command, *options = arguments
    options = [tmp_path / option if option.endswith(".png") else option for option in options]
    for path in (tmp_path, tmp_path / "nowhere"):
        assert refusal(command, path, *options) == (
            f"expected a run directory; {path} has no config.json; start one with vae-jax train"
        )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda config: config["config"].update(latent_sise=2),
            "expected a field of tiny_experiment; got 'latent_sise'; did you mean 'latent_size'? Known: seed, "
            "latent_size, hidden_sizes, learning_rate, batch_size, validate_every",
        ),
        (
            lambda config: config["config"].update(latent_size="many"),
            "expected values of the types of tiny_experiment's fields; got ",
        ),
        (
            lambda config: config["config"].update(latent_size=2.7),
            "expected values of the types of tiny_experiment's fields; got ",
        ),
        (lambda config: config.pop("config"), "expected an object with config, experiment, num_steps in {file}; got "),
        (lambda config: config.update(more=1), "expected an object with config, experiment, num_steps in {file}; got "),
    ],
    ids=["unknown field", "wrong type", "a fraction for a count", "no config", "more"],
)
def test_a_config_that_was_changed_is_refused(refusal, run, contents, change, message):
    config = read(run / "config.json")
    change(config)
    (run / "config.json").write_text(json.dumps(config))
    before = contents(run)
    assert refusal("resume", run).startswith(message.format(file=run / "config.json"))
    assert contents(run) == before


@pytest.mark.parametrize("text", ["{", "[1, 2]", "null", ""])
def test_a_config_that_is_no_json_object_is_refused(refusal, run, text):
    (run / "config.json").write_text(text)
    assert refusal("evaluate", run).startswith("expected ")
    assert str(run / "config.json") in refusal("evaluate", run)


# Evaluating


@pytest.mark.usefixtures("without_a_page")
def test_evaluate_takes_samples_split_and_checkpoint(vae_jax, run):
    before = read(run / "evaluation.json")
    result = vae_jax("evaluate", run, "--num-samples", 7, "--split", "validation", "--select", "latest")
    assert result.code == 0
    assert "digits, validation split (177 examples, dynamic binarisation):" in result.out
    assert "(7 importance samples, worth " in result.out
    written = read(run / "evaluation-validation-7-latest.json")
    assert read(run / "evaluation.json") == before
    assert (written["num_samples"], written["split"], written["num_examples"]) == (7, "validation", 177)
    assert (written["checkpoint_step"], written["selection"]) == (30, "the last checkpoint")
    # The same function with the same seed: what was validated at that step is what is reported of it.
    validated = read_metrics(run / "metrics.jsonl")[-1]
    assert (validated["step"], validated["split"]) == (30, "validation")
    for name, other in (("elbo", "value"), ("kl", "kl"), ("log_likelihood", "log_likelihood")):
        assert written[name] == validated[other]


@pytest.mark.usefixtures("without_a_page")
def test_other_data_than_the_run_was_begun_with_are_refused_or_accepted_and_noted(
    refusal, vae_jax, run, contents, tmp_path
):
    record = read(run / "data.json")
    former = record["begun_with"]["split test"]
    record["begun_with"]["split test"] = "176 examples, checksum 0"
    (run / "data.json").write_text(json.dumps(record))
    before, out = contents(run), ["--out", str(tmp_path / "x.png")]
    for command, *words in (["resume"], ["evaluate"], ["report"], ["sample", *out], ["reconstruct", *out]):
        assert refusal(command, run, *words) == (
            f"expected the data that the run in {run} was begun with, split test: 176 examples, checksum 0; got "
            f"{former}; bring the former back, or accept them by --accept-data, which the run records"
        )
    assert contents(run) == before
    result = vae_jax("sample", run, *out, "--accept-data")
    assert result.code == 0
    assert result.out.startswith("other data than the run was begun with are accepted, and noted in ")
    assert read(run / "data.json")["accepted"][0]["data"]["split test"] == former
    assert vae_jax("sample", run, *out).out == f"{tmp_path / 'x.png'}\n"


@pytest.mark.parametrize("words", [["evaluate"], ["reconstruct", "--out", "x.png"]])
def test_an_unknown_split_is_refused(refusal, run, contents, words):
    before = contents(run)
    line = refusal(words[0], run, "--split", "tets", *words[1:])
    assert line == "expected a split of digits (train, validation, test); got 'tets'; did you mean 'test'?"
    assert contents(run) == before


@pytest.mark.usefixtures("without_a_page")
def test_a_damaged_best_checkpoint_is_an_error_that_says_what_else_there_is(vae_jax, tiny, tmp_path, monkeypatch):
    run = tmp_path / "run"
    with monkeypatch.context() as patch:
        patch.setattr(loop, "best_of", lambda best, line: best or Best(line["step"], line["value"]))
        assert vae_jax("train", tiny, "--run-dir", run).code == 0
    assert read(run / "evaluation.json")["checkpoint_step"] == 0
    empty_a_checkpoint(run, 0)
    result = vae_jax("evaluate", run)
    assert result.code == 1
    (line,) = result.err.splitlines()
    assert line.startswith(f"vae-jax: expected checkpoint 0 in {run / 'checkpoints'}; it cannot be read (")
    assert line.endswith("take the latest one: --select latest")
    assert vae_jax("evaluate", run, "--num-samples", 20, "--select", "latest").code == 0
    assert read(run / "evaluation-test-20-latest.json")["checkpoint_step"] == 30


# From Python


def test_from_python_the_messages_are_the_same(tiny, tmp_path):
    with pytest.raises(UsageError, match=r"expected a field of tiny_experiment; got 'latent'; did you mean"):
        vj.train(tiny, run_dir=tmp_path / "run", latent=3)
    with pytest.raises(UsageError, match=r"expected values of the types of tiny_experiment.*; got .*latent_size"):
        vj.train(tiny, run_dir=tmp_path / "run", latent_size="many")
    with pytest.raises(UsageError, match=r"expected an experiment .*; got 'vea'; did you mean 'vae'"):
        vj.train("vea")
    with pytest.raises(UsageError, match="expected a run directory"):
        vj.resume(tmp_path / "run")
    assert list(tmp_path.iterdir()) == []


def test_values_of_other_types_are_refused_and_numbers_of_numpy_are_numbers(tiny):
    file = load_experiment(tiny)
    config = config_from(file, {"latent_size": np.int64(3), "learning_rate": 1, "hidden_sizes": [4, 5]})
    assert config == file.Config(latent_size=3, learning_rate=1.0, hidden_sizes=(4, 5))
    assert [type(config.latent_size), type(config.learning_rate)] == [int, float]
    for field, value in (("latent_size", 2.5), ("latent_size", True), ("learning_rate", "1e-3"), ("hidden_sizes", 4)):
        with pytest.raises(UsageError, match=f"expected values of the types of tiny_experiment's fields; .*{field}"):
            config_from(file, {field: value})


def test_a_run_error_is_no_usage_error():
    assert not issubclass(RunError, UsageError)
    assert not issubclass(UsageError, RunError)


def test_a_file_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "config.json"
    write_bytes(path, b"old")

    def fail(number):
        raise OSError("no space left")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="no space left"):
        write_bytes(path, b"new")
    assert path.read_bytes() == b"old"

"""The code that a run keeps: commands that run it, and commands that do not."""

import pytest

COMMANDS_THAT_RUN_IT = (
    ("evaluate", "{}"),
    ("report", "{}"),
    ("resume", "{}"),
    ("sample", "{}", "--out", "a.png"),
    ("reconstruct", "{}", "--out", "a.png"),
    ("encode", "{}", "--out", "a.csv"),
    ("train", "--config", "{}"),
)


@pytest.fixture
def foreign(tmp_path, write_run, monkeypatch):
    """A folder with a run that was finished, whose code leaves a file behind when it is run."""
    folder = tmp_path / "runs" / "foreign"
    write_run(folder, values=(1.0, 2.0), evaluation={"nll": 1.0, "elbo": -1.0, "data": "digits", "split": "test"})
    leaves = f"open({str(tmp_path / 'was_run')!r}, 'w').close()\n"
    (folder / "experiment.py").write_text(f"import helper\n{leaves}1 / 0\n")
    (folder / "experiment_modules").mkdir()
    (folder / "experiment_modules" / "helper.py").write_text(leaves)
    (folder / "environment.json").write_text("{}")
    monkeypatch.chdir(tmp_path)
    return folder


def test_compare_and_info_run_no_code_of_a_run(foreign, vae_jax, tmp_path, monkeypatch):
    for place in (foreign, foreign.parent):
        assert vae_jax("compare", place).code == 0
        assert vae_jax("compare", place, "--json").code == 0
    monkeypatch.chdir(foreign)
    assert vae_jax("info").code == 0
    assert not (tmp_path / "was_run").exists()


@pytest.mark.parametrize("command", COMMANDS_THAT_RUN_IT)
def test_other_commands_do(foreign, refusal, tmp_path, command):
    line = refusal(*(word.format(foreign) for word in command))
    assert "ZeroDivisionError" in line
    assert (tmp_path / "was_run").exists()

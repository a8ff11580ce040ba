"""The words that a shell offers for one that is half typed."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from vae_jax.catalogue import shipped
from vae_jax.cli.arguments import COMMANDS, DATA_COMMANDS
from vae_jax.cli.completion import candidates


def offered(*words):
    return candidates(words, COMMANDS, DATA_COMMANDS)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("tr",), ["train"]),
        (("re",), ["resume", "reconstruct", "report"]),
        (("--v",), ["--version"]),
        (("train", "vae_c"), ["vae_cifar10", "vae_cifar10_logistic", "vae_conv", "vae_counts"]),
        (("data", "pre"), ["prepare"]),
        (("data", "prepare", "--f"), ["--from"]),
        (("train", "vq_vae", "--bot"), ["--bottleneck"]),
        (("train", "vq_vae", "--bottleneck", "s"), ["sim_vq"]),
        (("train", "vae", "--bottleneck", "s"), []),
        (("sweep", "vae", "--sea"), ["--search", "--search-seed"]),
        (("sweep", "vae", "--search", "t"), ["tpe"]),
        (("evaluate", "runs/x", "--sel"), ["--select"]),
        (("evaluate", "runs/x", "--select", "l"), ["latest"]),
        (("evaluate", "runs/x", "--json", "--prop"), ["--proposal"]),
        (("evaluate", "runs/x", "--json", "--js"), []),
        (("evaluate", "ru"), []),
        (("nothing", "x"), []),
        ((), [*COMMANDS, "--help", "--version"]),
    ],
)
def test_what_may_stand_there_is_offered(words, expected):
    assert offered(*words) == expected


def test_every_experiment_and_every_field_is_offered():
    assert offered("train", "") == list(shipped())
    assert {"--latent-size", "--data.name", "--run-dir", "--parallel.devices"} <= set(offered("train", "vae", "--"))


def test_a_file_of_one_s_own_is_not_run(tmp_path):
    (tmp_path / "mine.py").write_text("raise SystemExit('run')")
    assert "--run-dir" in offered("train", str(tmp_path / "mine.py"), "--")


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not here")
def test_bash_offers_them(vae_jax, tmp_path):
    (tmp_path / "vae-jax").write_text(f'#!/bin/sh\nexec {sys.executable} -m vae_jax "$@"\n')
    (tmp_path / "vae-jax").chmod(0o755)
    script = vae_jax("completion", "bash").out
    words = script + 'COMP_WORDS=(vae-jax train vae --lat); COMP_CWORD=3; _vae_jax; printf "%s\\n" "${COMPREPLY[@]}"'
    environment = os.environ | {
        "PATH": f"{tmp_path}:{os.environ['PATH']}",
        "PYTHONPATH": str(Path(__file__).parents[2]),
    }
    done = subprocess.run(["bash", "-c", words], capture_output=True, text=True, env=environment, check=True)
    assert done.stdout.split() == ["--latent-size"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_every_shell_asks_the_same_command(vae_jax, shell):
    assert "vae-jax completion -- " in vae_jax("completion", shell).out


def test_another_shell_is_a_line(refusal):
    assert refusal("completion", "csh").startswith("expected bash or zsh or fish for --shell; got 'csh'")

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import nullcontext
from pathlib import Path
from unittest.mock import MagicMock

import pytest

from vae_jax.catalogue import load_experiment
from vae_jax.cli.sweep import _without_secret
from vae_jax.messages import RunError, UsageError
from vae_jax.sweeps import sweep as sweeps
from vae_jax.sweeps.config import SearchConfig
from vae_jax.sweeps.search import storage
from vae_jax.sweeps.search.storage import JournalLock, with_password, without_password
from vae_jax.sweeps.values.axes import Interval
from vae_jax.sweeps.work.directory import SweepDirectory

ROOT = Path(__file__).parents[2]
AXIS = {"x": Interval(0, 1)}

HOLDER = """
import sys, time
from pathlib import Path
from vae_jax.sweeps.search.storage import JournalLock
lock = JournalLock(Path(sys.argv[1]))
lock.acquire()
print("held", flush=True)
time.sleep(60)
"""
WORKER = """
import sys, time
from pathlib import Path
from vae_jax.sweeps.search import storage
storage.SECONDS_BETWEEN_BEATS, storage.SECONDS_TO_BE_GONE = 1, 3
from vae_jax.sweeps.values.axes import Interval
from vae_jax.sweeps.config import SearchConfig
from vae_jax.sweeps.search.study import Study
config = SearchConfig(sampler="random", trials=2, storage=sys.argv[2])
print(Study(Path(sys.argv[1]), {"x": Interval(0, 1)}, config, min_steps=100, max_steps=1600).ask(), flush=True)
time.sleep(60)
"""


def start(code: str, *arguments: object) -> subprocess.Popen:
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)


def test_the_lock_goes_with_a_killed_process(tmp_path):
    journal = tmp_path / "study.journal"
    holder = start(HOLDER, journal)
    assert holder.stdout.readline() == "held\n"
    lock = JournalLock(journal)
    lock._lock.timeout = 0
    with pytest.raises(TimeoutError):
        lock.acquire()
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    assert lock.acquire()
    with lock:
        pass
    lock.release()


@pytest.mark.parametrize(
    ("content", "left"),
    [
        (b"", b""),
        (b"{}\n", b"{}\n"),
        (b"{}\n{}\n{", b"{}\n{}\n"),
        (b"{", b""),
    ],
)
def test_only_half_a_line_is_cut_off(tmp_path, content, left):
    journal = tmp_path / "study.journal"
    journal.write_bytes(content)
    with JournalLock(journal):
        assert journal.read_bytes() == left


def test_trials_of_a_worker_that_a_database_hears_no_more_of_are_given_back(begin, database, monkeypatch, tmp_path):
    """Those of one that lives are not, though it reports nothing for as long."""
    monkeypatch.setattr(storage, "SECONDS_BETWEEN_BEATS", 1)
    monkeypatch.setattr(storage, "SECONDS_TO_BE_GONE", 3)
    worker = start(WORKER, tmp_path / "sweep", database)
    line = worker.stdout.readline()
    study = begin(AXIS, trials=2, storage=database)
    (theirs,), ours = study.running(), study.ask()
    assert line == f"{theirs}\n"
    worker.send_signal(signal.SIGKILL)
    worker.wait()
    until = time.monotonic() + 30
    while (again := study.ask()) is None and time.monotonic() < until:
        time.sleep(0.2)
    assert (again.number, again.fields) == (2, theirs.fields)
    assert study.running() == [ours, again]
    assert study.ask() is None


def without_turns(study):
    """As on a server, which knows no turns."""
    study._storage = study._storage._replace(turn=None)
    return study


def test_a_trial_that_a_killed_worker_was_still_asking_a_server_for(begin, database, monkeypatch):
    """It has no fields yet, and no beat."""
    first = without_turns(begin(AXIS, trials=1, storage=database))
    first._storage.backend.create_new_trial(first._study._study_id)
    assert (first.ask(), first.running()) == (None, [])
    monkeypatch.setattr(storage, "SECONDS_TO_BE_GONE", 0)
    assert first.ask().number == 1
    monkeypatch.setattr(storage, "SECONDS_TO_BE_GONE", 150)
    assert first.ask() is None


def test_a_surplus_of_workers_that_asked_at_the_same_moment_is_taken_back(begin, database, monkeypatch):
    """A server keeps nobody from asking: both see a place that is left, and take it."""
    first, second = (without_turns(begin(AXIS, trials=1, storage=database)) for _ in range(2))
    ask = first._study.ask
    with monkeypatch.context() as patch:
        patch.setattr(first._study, "ask", lambda *arguments: (second.ask(), ask(*arguments))[1])
        assert first.ask() is None
    assert [trial.number for trial in first.running()] == [0]
    first.give_back(0)
    assert second.ask().number == 2
    assert first.ask() is None


def test_who_asks_so_slowly_that_the_trial_was_given_back_gets_another(begin, database, monkeypatch):
    study, other = (without_turns(begin(AXIS, trials=1, storage=database)) for _ in range(2))
    ask = study._study.ask

    def ask_slowly(*arguments):
        trial = ask(*arguments)
        monkeypatch.setattr(study._study, "ask", ask)
        other.give_back(trial.number)
        return trial

    monkeypatch.setattr(study._study, "ask", ask_slowly)
    assert study.ask().number == 1
    assert [trial.number for trial in study.running()] == [1]


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("sqlite:////no/such/folder/study.db", "unable to open database file"),
        ("nonsense://somewhere/study", "Can't load plugin"),
        ("mysql+pymysql://me:secret@127.0.0.1:1/study", ""),
        ("postgresql://me:secret@127.0.0.1:1/study", ""),
        ("sqlite:///README.md", "file is not a database"),
    ],
)
def test_a_database_that_cannot_be_reached(begin, monkeypatch, url, reason):
    """Whether its driver is missing or its host refuses, in one line, without a password, and soon."""
    monkeypatch.chdir(ROOT)
    began = time.monotonic()
    with pytest.raises(UsageError) as error:
        begin(storage=url)
    message = str(error.value)
    assert message.startswith(f"expected a study in {without_password(url)}; ")
    assert message.endswith(
        "; see that it answers and may be written to, or give none, for a journal in the sweep's directory"
    )
    assert reason in message
    assert "secret" not in message
    assert "\n" not in message
    assert time.monotonic() - began < 5


def test_a_host_that_never_answers_is_waited_for_some_seconds(begin, monkeypatch):
    """With whichever drivers are installed."""
    monkeypatch.setattr(storage, "WAITING", {driver: dict.fromkeys(one, 1) for driver, one in storage.WAITING.items()})
    with socket.create_server(("127.0.0.1", 0)) as server:
        for driver in ("postgresql+pg8000", "postgresql+psycopg", "postgresql+psycopg2", "mysql+pymysql"):
            began = time.monotonic()
            with pytest.raises(UsageError):
                begin(storage=f"{driver}://me:secret@127.0.0.1:{server.getsockname()[1]}/study")
            assert time.monotonic() - began < 10


@pytest.mark.parametrize("url", ["", "study.db", "://"])
def test_what_is_no_url(begin, url):
    with pytest.raises(
        UsageError, match=r"expected a storage such as sqlite:///study\.db; got '.*'; give the URL of a"
    ):
        begin(storage=url)


@pytest.mark.parametrize("content", [b"not a journal\n{}\n", b'{"a": 1}\n', b"\xff\xfe\n\n"])
def test_a_damaged_journal(begin, tmp_path, content):
    journal = tmp_path / "sweep" / "study.journal"
    journal.parent.mkdir()
    journal.write_bytes(content)
    with pytest.raises(UsageError) as error:
        begin()
    assert str(error.value).startswith(f"expected a study in {journal}; ")
    assert str(error.value).endswith("; see that the directory can be written to, or move a damaged journal away")
    assert "\n" not in str(error.value)


def test_a_file_in_place_of_the_directory(begin, tmp_path):
    (tmp_path / "sweep").write_text("")
    with pytest.raises(
        UsageError, match=r"expected a study in .*study\.journal; .*File exists.*; see that the directory"
    ):
        begin()


def test_a_database_that_is_lost_on_the_way(begin, database, tmp_path):
    study = begin(AXIS, storage=database)
    study.ask()
    (tmp_path / "study.db").write_bytes(os.urandom(1 << 20))
    with pytest.raises(
        RunError, match=r"the study in sqlite:///.* cannot be reached any more: .*; what was finished is"
    ):
        study.report(0, 100, 1.0)


SECRET = "postgresql://ada:secret@host/study?sslpassword=other"


def test_a_password_is_put_back_from_the_environment_or_a_url_given_anew(monkeypatch):
    shown = without_password(SECRET)
    assert "secret" not in shown
    assert "other" not in shown
    monkeypatch.delenv(storage.VARIABLE, raising=False)
    assert with_password("sqlite:///study.db") == "sqlite:///study.db"
    with pytest.raises(UsageError, match=r"in VAE_JAX_STORAGE; got none; set VAE_JAX_STORAGE, or give"):
        with_password(shown)
    assert with_password(shown, SECRET) == SECRET
    monkeypatch.setenv(storage.VARIABLE, SECRET)
    assert with_password(shown) == SECRET
    with pytest.raises(UsageError, match=r"got 'postgresql://ada:\*\*\*@host/study\?sslpassword=\*\*\*'") as refusal:
        with_password(shown.replace("study", "other"))
    assert "secret" not in str(refusal.value)


def test_a_password_stands_in_no_file_and_no_word_of_a_job(tmp_path, monkeypatch):
    """What is begun, joined and queued by a URL with a password."""
    opened = []
    monkeypatch.setattr(sweeps, "opening", lambda _, url: opened.append(url) or nullcontext())
    monkeypatch.setattr(sweeps, "Study", lambda _, axes, search, **rest: opened.append(search.storage) or MagicMock())
    monkeypatch.setattr("vae_jax.sweeps.sweep.environment", lambda path: {})
    monkeypatch.delenv(storage.VARIABLE, raising=False)
    file = load_experiment(Path(__file__).parent / "small_experiment.py")
    search, axes = SearchConfig("random", 2, storage=SECRET), {"beta": Interval(1.0, 2.0)}
    for _ in range(2):  # begun, and joined by the same command
        begun = sweeps.begin(file, file.Config(), axes, run_dir=tmp_path / "sweep", search=search)
        begun.source()
    assert opened == [SECRET] * 4
    for path in (tmp_path / "sweep").rglob("*"):
        assert path.is_dir() or (b"secret" not in path.read_bytes() and b"other" not in path.read_bytes()), path
    with pytest.raises(UsageError, match="VAE_JAX_STORAGE"):
        sweeps.Sweep(SweepDirectory(tmp_path / "sweep")).source()

    monkeypatch.setenv(storage.VARIABLE, "")  # put back after the test
    words = _without_secret(["vae", "--storage", SECRET, f"--storage={SECRET}"], SECRET)
    assert words == ["vae", "--storage", without_password(SECRET), f"--storage={without_password(SECRET)}"]
    assert os.environ[storage.VARIABLE] == SECRET

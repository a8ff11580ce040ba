"""Where a study is kept: a journal in the sweep's directory, or a database."""

from __future__ import annotations

import threading
import time
import warnings
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from json import JSONDecodeError
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from filelock import FileLock

from vae_jax.messages import UsageError

if TYPE_CHECKING:
    from optuna.storages import BaseStorage

SECONDS_TO_ANSWER = 10
"""After which a database cannot be reached."""
SECONDS_BETWEEN_BEATS = 30
SECONDS_TO_BE_GONE = 150
"""Without a beat, after which a worker that shares a database is taken for dead, and its trials are given back."""
# A missing driver; a schema of another Optuna; a journal that is none.
REFUSALS = (ImportError, RuntimeError, ValueError, KeyError)
SECONDS_TO_READ = 60
# What the drivers call the seconds that they wait for a connection, for an answer, and SQLite for its lock.
WAITING = {
    "pysqlite": {"timeout": SECONDS_TO_READ},
    "psycopg": {"connect_timeout": SECONDS_TO_ANSWER},
    "psycopg2": {"connect_timeout": SECONDS_TO_ANSWER},
    "pg8000": {"timeout": SECONDS_TO_READ},
    "pymysql": {"connect_timeout": SECONDS_TO_ANSWER, "read_timeout": SECONDS_TO_READ},
    "mysqldb": {"connect_timeout": SECONDS_TO_ANSWER, "read_timeout": SECONDS_TO_READ},
    "mysqlconnector": {"connection_timeout": SECONDS_TO_ANSWER},
}


class Storage(NamedTuple):
    """Optuna's storage, and what it has to be told apart by."""

    backend: BaseStorage
    name: str
    """For people: without a password."""
    turn: AbstractContextManager[Any] | None
    """Held by whoever is using it; None for a server, which keeps its own order."""
    heart: Heart | None
    """Of this process, for a database that others may use from elsewhere."""


@contextmanager
def opening(directory: Path, url: str | None) -> Iterator[Storage]:
    """The journal `directory/study.journal`, or a database, made if it is not there; one's turn as long as this lasts.

    Raises:
        UsageError: If it cannot be reached, read or written, here or in what is done meanwhile.
    """
    name = str(directory / "study.journal") if url is None else without_password(url)
    if url is None:
        what_to_do = "see that the directory can be written to, or move a damaged journal away"
    else:
        what_to_do = "see that it answers and may be written to, or give none, for a journal in the sweep's directory"
    with told_in_one_line(f"expected a study in {name}; {{}}; {what_to_do}", UsageError, REFUSALS):
        storage = _journal(directory, name) if url is None else _database(url, name)
        with storage.turn or nullcontext():
            yield storage


def _journal(directory: Path, name: str) -> Storage:
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    directory.mkdir(parents=True, exist_ok=True)
    lock = JournalLock(Path(name))
    with lock:
        backend = JournalStorage(JournalFileBackend(name, lock_obj=lock))  # type: ignore[arg-type]
    return Storage(backend, name, lock, None)


def _database(url: str, name: str) -> Storage:
    from optuna.storages import RDBStorage, get_storage
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import DBAPIError, IntegrityError

    address = make_url(url)
    # A file of SQLite's is read before it is locked: two workers would take the same trial.
    is_file = address.get_backend_name() == "sqlite" and address.database not in (None, "", ":memory:")
    turn = FileLock(_lock_file_of(Path(str(address.database))), poll_interval=0.005) if is_file else None
    options = {"connect_args": WAITING.get(address.get_dialect().driver, {})}
    num_left = 3
    while True:
        num_left -= 1
        try:
            backend = RDBStorage(
                url,
                engine_kwargs=options,
                heartbeat_interval=SECONDS_BETWEEN_BEATS,
                grace_period=SECONDS_TO_BE_GONE,
            )
            return Storage(get_storage(backend), name, turn, Heart(backend))
        except DBAPIError as error:
            # Workers that begin together make the same tables: all but one are told that these exist.
            is_being_made = isinstance(error, IntegrityError) or "already exists" in str(error)
            if not (num_left and is_being_made):
                raise
            time.sleep(0.5)


class JournalLock:
    """Optuna's lock of a journal, by the file lock that the system takes from a process that is killed.

    Who has it may take it again: so the same lock is a worker's turn to ask.
    """

    def __init__(self, journal: Path) -> None:
        self._journal = journal
        self._lock = FileLock(_lock_file_of(journal), poll_interval=0.005)

    def acquire(self) -> bool:
        """Wait for it."""
        self._lock.acquire()
        # Optuna would write on after half a line, and could never again read what is behind it.
        _cut_half_a_line(self._journal)
        return True

    def release(self) -> None:
        """Let others have it."""
        self._lock.release()

    def __enter__(self) -> None:
        self.acquire()

    def __exit__(self, *error: object) -> None:
        self.release()


def _lock_file_of(file: Path) -> Path:
    return file.with_name(f".{file.name}.lock")


def _cut_half_a_line(journal: Path) -> None:
    """Remove what a process that was killed in the middle of writing has left at the end."""
    if not journal.exists() or journal.stat().st_size == 0:
        return
    with journal.open("rb+") as file:
        file.seek(-1, 2)
        if file.read(1) != b"\n":
            file.seek(0)
            file.truncate(file.read().rfind(b"\n") + 1)


class Heart:
    """Tells a database again and again that this process is still there, for each of its trials."""

    def __init__(self, backend: Any) -> None:
        self._backend = backend
        self._ids: set[int] = set()
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def beat_for(self, trial_id: int) -> None:
        """From now on; the first time before this returns."""
        self._backend.record_heartbeat(trial_id)
        self._ids.add(trial_id)
        if self._thread is None:
            self._thread = threading.Thread(target=self._beat, daemon=True, name="heartbeat of a study")
            self._thread.start()

    def end_for(self, trial_id: int) -> None:
        """It is finished."""
        self._ids.discard(trial_id)

    def stop(self) -> None:
        """For all."""
        self._stopped.set()
        if self._thread is not None:
            self._thread.join()

    def _beat(self) -> None:
        from optuna.exceptions import StorageInternalError
        from sqlalchemy.exc import SQLAlchemyError

        while not self._stopped.wait(SECONDS_BETWEEN_BEATS):
            for trial_id in list(self._ids):
                try:
                    self._backend.record_heartbeat(trial_id)
                except (SQLAlchemyError, StorageInternalError):
                    break  # A beat is missed; whoever asks or reports next says why.


@contextmanager
def told_in_one_line(message: str, kind: type[Exception], errors: tuple[type[Exception], ...] = ()) -> Iterator[None]:
    """Whatever a storage fails with, as one line; and none of Optuna's own lines.

    Args:
        message: With {} where the reason belongs.
        kind: Of the error.
        errors: That a storage fails with, beside the obvious ones.
    """
    from optuna.exceptions import StorageInternalError
    from sqlalchemy.exc import SQLAlchemyError

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            yield
        except UsageError:
            raise
        except (StorageInternalError, SQLAlchemyError, OSError, JSONDecodeError, *errors) as error:
            raise kind(message.format(_reason(error))) from error


def _reason(error: BaseException) -> str:
    """The first line of what is at the bottom of an error."""
    while (cause := getattr(error, "orig", None) or error.__cause__) is not None:
        error = cause
    return " ".join(str(error).partition("\n")[0].split()) or type(error).__name__


def without_password(url: str) -> str:
    """A storage's address as it may be shown.

    Example:
        >>> without_password("sqlite:///study.db")
        'sqlite:///study.db'

    Raises:
        UsageError: If it is no address.
    """
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        return make_url(url).render_as_string(hide_password=True)
    except (ArgumentError, ValueError):
        raise UsageError(
            f"expected a storage such as sqlite:///study.db; got '{url}'; give the URL of a database"
        ) from None

"""Storages of a study: a journal in the sweep's directory, or a database."""

from __future__ import annotations

import os
import re
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

VARIABLE = "VAE_JAX_STORAGE"
"""The environment variable with the whole address of a storage, its password included."""
HIDDEN = "***"
"""The sign in place of a password, in addresses that are shown and kept."""
SECONDS_TO_ANSWER = 10
"""Seconds after which a database counts as unreachable."""
SECONDS_BETWEEN_BEATS = 30
SECONDS_TO_BE_GONE = 150
"""Seconds without a beat after which a worker that shares a database counts as dead; its trials are given back."""
# A missing driver; the schema of another Optuna version; a file that is not a journal.
REFUSALS = (ImportError, RuntimeError, ValueError, KeyError)
SECONDS_TO_READ = 60
# Options of the drivers: the seconds to wait for a connection, for an answer, and for the lock of SQLite.
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
    """Optuna's storage, and the name, lock and heartbeat that it is used with."""

    backend: BaseStorage
    name: str
    """The name to show to people, without a password."""
    turn: AbstractContextManager[Any] | None
    """The lock that a worker holds while it uses the storage; None for a server, which keeps its own order."""
    heart: Heart | None
    """The heartbeat of this process, for a database that others may use from elsewhere; else None."""


@contextmanager
def opening(directory: Path, url: str | None) -> Iterator[Storage]:
    """Open the journal `directory/study.journal` or a database, made if missing, and hold its lock, if any.

    Raises:
        UsageError: If the storage cannot be reached, read or written, now or while it is open.
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
    # SQLite reads its file before it locks it, so two workers could take the same trial: hence a lock of ours.
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
            # Workers that begin together make the same tables: all but one get the error that they exist.
            is_being_made = isinstance(error, IntegrityError) or "already exists" in str(error)
            if not (num_left and is_being_made):
                raise
            time.sleep(0.5)


class JournalLock:
    """Optuna's lock of a journal, as a file lock, which the system releases when its process is killed.

    Its holder may take it again: so the same lock can also be held for a whole call of a worker.
    """

    def __init__(self, journal: Path) -> None:
        self._journal = journal
        self._lock = FileLock(_lock_file_of(journal), poll_interval=0.005)

    def acquire(self) -> bool:
        """Wait for the lock."""
        self._lock.acquire()
        # Optuna would go on writing after half a line, and could never again read what comes after it.
        _cut_half_a_line(self._journal)
        return True

    def release(self) -> None:
        """Release the lock."""
        self._lock.release()

    def __enter__(self) -> None:
        self.acquire()

    def __exit__(self, *error: object) -> None:
        self.release()


def _lock_file_of(file: Path) -> Path:
    return file.with_name(f".{file.name}.lock")


def _cut_half_a_line(journal: Path) -> None:
    """Remove the half line at the end that a process left when it was killed while writing."""
    if not journal.exists() or journal.stat().st_size == 0:
        return
    with journal.open("rb+") as file:
        file.seek(-1, 2)
        if file.read(1) != b"\n":
            file.seek(0)
            file.truncate(file.read().rfind(b"\n") + 1)


class Heart:
    """A heartbeat: it reports to a database at intervals that this process is alive, for each of its trials."""

    def __init__(self, backend: Any) -> None:
        self._backend = backend
        self._ids: set[int] = set()
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def beat_for(self, trial_id: int) -> None:
        """Begin to beat for a trial; the first beat is sent before this returns."""
        self._backend.record_heartbeat(trial_id)
        self._ids.add(trial_id)
        if self._thread is None:
            self._thread = threading.Thread(target=self._beat, daemon=True, name="heartbeat of a study")
            self._thread.start()

    def end_for(self, trial_id: int) -> None:
        """End the beats for a trial."""
        self._ids.discard(trial_id)

    def stop(self) -> None:
        """End the beats for all trials."""
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
                    break  # A beat is missed; the next call that asks or reports raises the reason.


@contextmanager
def told_in_one_line(message: str, kind: type[Exception], errors: tuple[type[Exception], ...] = ()) -> Iterator[None]:
    """Raise any failure of a storage as an error of one line, and silence Optuna's warnings.

    Args:
        message: The message, with {} for the reason.
        kind: Class of the error that is raised.
        errors: Errors that a storage may fail with, beside the obvious ones.
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
    """The first line of the root cause of an error."""
    while (cause := getattr(error, "orig", None) or error.__cause__) is not None:
        error = cause
    return " ".join(str(error).partition("\n")[0].split()) or type(error).__name__


def without_password(url: str) -> str:
    """A storage's address that may be shown to others and be kept in files.

    Example:
        >>> without_password("postgresql://ada:secret@host/study?sslpassword=other")
        'postgresql://ada:***@host/study?sslpassword=***'

    Raises:
        UsageError: If it is not an address.
    """
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        address = make_url(url)
    except (ArgumentError, ValueError):
        shown = re.sub("//[^/]*@", f"//{HIDDEN}@", url)
        raise UsageError(
            f"expected a storage such as sqlite:///study.db; got '{shown}'; give the URL of a database"
        ) from None
    shown = address.render_as_string(hide_password=True)
    return re.sub(r"([?&][^=&]*(?:pass|secret|token|key)[^=&]*=)[^&]+", rf"\1{HIDDEN}", shown, flags=re.IGNORECASE)


def with_password(url: str, given: str | None = None) -> str:
    """A storage's address as it was given, from the one that is kept without its password.

    Args:
        url: The address, which may lack its password.
        given: The whole address, where it is known; None for that in the environment variable `VAE_JAX_STORAGE`.

    Raises:
        UsageError: If the password is needed, and the whole address is not known or is that of another storage.
    """
    if HIDDEN not in url:
        return url
    given = given or os.environ.get(VARIABLE)
    if given is None or without_password(given) != url:
        got = "none" if given is None else f"'{without_password(given)}'"
        raise UsageError(
            f"expected the whole address of {url}, whose password is kept out of files, in {VARIABLE}; got {got}; "
            f"set {VARIABLE}, or give the sweep's own command with --storage URL"
        )
    return given

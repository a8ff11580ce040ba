"""Downloading a file: it is resumed where it was cut off, and appears only when it is complete and correct."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import requests

CHUNK_SIZE = 1 << 16


class DownloadError(OSError):
    """A file could not be downloaded. The message is one line that names the file and the reason."""


class Patience(NamedTuple):
    """The time to wait for a server."""

    connect: float = 5.0
    """Seconds until a connection."""
    read: float = 30.0
    """Seconds between two pieces."""
    attempts: int = 4
    """Number of attempts in a row without new data after which the download fails."""
    pause: float = 1.0
    """Seconds before the second attempt; twice as many before each further attempt."""


PATIENCE = Patience()


class _CutOff(Exception):
    """The file did not come completely, and another attempt may bring the rest."""


def download(
    url: str,
    path: Path,
    *,
    sha256: str = "",
    progress: Callable[[int, int], None] = lambda num_bytes, total: None,
    patience: Patience = PATIENCE,
) -> Path:
    """Download a file, unless it is there.

    The data received so far are kept in `FILE.part`, where a later call continues. A complete file gets its own name.

    Args:
        url: URL of the file.
        path: Path of the result; its folder exists.
        sha256: SHA-256 that the file must have; "" where it is not known.
        progress: Called with the bytes received and the bytes in total, which are 0 where the server does not say.
        patience: The time to wait for the server.

    Returns:
        The path.

    Raises:
        DownloadError: If there is no connection, the server refuses or stalls, or the file is not the one expected.
    """
    if path.exists() and sha256_of(path) == (sha256 or sha256_of(path)):
        return path
    part = path.with_name(path.name + ".part")
    failures = 0
    while True:
        had = _size(part)
        try:
            _fetch(url, part, progress, patience)
            break
        except _CutOff as cut_off:
            failures = 1 if _size(part) > had else failures + 1
            if failures >= patience.attempts:
                raise DownloadError(f"{url} was cut off {failures} times ({cut_off})") from None
            time.sleep(patience.pause * 2 ** (failures - 1))
    got = sha256_of(part)
    if sha256 and got != sha256:
        part.unlink()
        raise DownloadError(f"expected a file with SHA-256 {sha256} from {url}; got {got}")
    os.replace(part, path)
    return path


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _size(part: Path) -> int:
    return part.stat().st_size if part.exists() else 0


def _fetch(url: str, part: Path, progress: Callable[[int, int], None], patience: Patience) -> None:
    """Make one attempt to get the rest of a file."""
    start = _size(part)
    with _response(url, start, patience) as response:
        _check_status(response, part)
        # A server that does not know of ranges sends all of it again.
        goes_on = response.headers.get("Content-Range", "").startswith(f"bytes {start}-")
        start = start if goes_on else 0
        length = int(response.headers.get("Content-Length", 0))
        total = start + length if length else 0
        with part.open("ab" if goes_on else "wb") as file:
            try:
                for piece in response.iter_content(CHUNK_SIZE):
                    file.write(piece)
                    progress(file.tell(), total)
            except requests.RequestException as error:
                raise _CutOff(f"{file.tell()} of {total or 'unknown'} bytes came; {_reason(error)}") from None


def _response(url: str, start: int, patience: Patience) -> requests.Response:
    # A file that is sent compressed would have another length, and other places to continue from.
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={start}-"} if start else {})
    try:
        return requests.get(url, headers=headers, stream=True, timeout=(patience.connect, patience.read))
    except requests.ReadTimeout:
        raise _CutOff("the server does not answer") from None
    except requests.RequestException as error:
        if start or "aborted" in str(error):
            raise _CutOff("the connection was lost") from None
        # Without a network, waiting does not help.
        raise DownloadError(f"no connection to {url}") from None


def _reason(error: requests.RequestException) -> str:
    return "then nothing" if "timed out" in str(error) else "then the connection was lost"


def _check_status(response: requests.Response, part: Path) -> None:
    status = response.status_code
    if status == 416:
        part.unlink(missing_ok=True)
        raise _CutOff("the server has less than had come")
    if status >= 500 or status in (408, 429):
        raise _CutOff(f"the server answered {status}")
    if status not in (200, 206):
        raise DownloadError(f"{response.url} cannot be downloaded: the server answered {status} {response.reason}")

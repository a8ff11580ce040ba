"""Downloads from a server that stalls, hangs up, forgets ranges and sends other bytes."""

import hashlib
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple

import pytest

from vae_jax.prepare.download import CHUNK_SIZE, DownloadError, Patience, download
from vae_jax.prepare.originals import downloaded
from vae_jax.prepare.recipe import Original, Recipe, Source

CONTENT = bytes(range(256)) * 2_000
SHA256 = hashlib.sha256(CONTENT).hexdigest()
REST = f"bytes={CHUNK_SIZE}-"
PLACES = [CHUNK_SIZE * number for number in range(1, 6)]
PATIENCE = Patience(connect=1, read=0.6, attempts=3, pause=0.01)


class Server(NamedTuple):
    """A server whose answers a test gives: one function for each request, the last for all that follow."""

    url: str
    answers: list[Callable]
    ranges: list[str | None]


@pytest.fixture
def server() -> Iterator[Server]:
    answers, ranges = [], []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            ranges.append(self.headers["Range"])
            (answers.pop(0) if len(answers) > 1 else answers[0])(self)

        def log_message(self, *_):
            pass

    running = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    running.daemon_threads = True
    threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True).start()
    yield Server(f"http://127.0.0.1:{running.server_port}/file.gz", answers, ranges)
    running.shutdown()
    running.server_close()


def send(content=CONTENT, *, until=None, knows_ranges=True, then=lambda: None):
    """Send content from where it is asked for until a place, although all of it was promised."""

    def answer(handler):
        asked = handler.headers["Range"]
        start = int(asked.removeprefix("bytes=").removesuffix("-")) if asked and knows_ranges else 0
        if start >= len(content) > 0:
            return refuse(416)(handler)
        handler.send_response(206 if start else 200)
        if start:
            handler.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        handler.send_header("Content-Length", str(len(content) - start))
        handler.end_headers()
        handler.wfile.write(content[start:until])
        handler.wfile.flush()
        then()

    return answer


def refuse(status):
    def answer(handler):
        handler.send_response(status)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    return answer


def hang_up(handler):
    handler.close_connection = True


def stall(handler):
    time.sleep(1.2)


def get(server, path: Path, **options):
    return download(server.url, path, sha256=SHA256, patience=PATIENCE, **options)


@pytest.mark.parametrize(
    ("answers", "ranges"),
    [
        ([send()], [None]),
        ([send(until=CHUNK_SIZE), send()], [None, REST]),
        ([send(until=CHUNK_SIZE, then=lambda: time.sleep(1.2)), send()], [None, REST]),
        ([send(until=CHUNK_SIZE), send(knows_ranges=False)], [None, REST]),
        ([send(until=CHUNK_SIZE), refuse(416), send()], [None, REST, None]),
        ([refuse(503), hang_up, send()], [None] * 3),
        ([stall, send()], [None] * 2),
        # What brings something new is not counted as a failure.
        (
            [*(send(until=place) for place in PLACES), send()],
            [None, *(f"bytes={place}-" for place in PLACES)],
        ),
    ],
    ids=["whole", "cut-off", "stalls", "ignores-range", "416", "no-answers", "slow-to-answer", "cut-off-often"],
)
def test_the_file_comes_whole(server, tmp_path, answers, ranges):
    server.answers.extend(answers)
    path = get(server, tmp_path / "file.gz")
    assert path.read_bytes() == CONTENT
    assert server.ranges == ranges
    assert [each.name for each in tmp_path.iterdir()] == ["file.gz"]


def test_what_has_come_is_kept_for_a_later_call(server, tmp_path):
    server.answers.extend([send(until=CHUNK_SIZE), stall])
    with pytest.raises(DownloadError, match=r"file.gz was cut off 3 times \(the server does not answer\)$"):
        get(server, tmp_path / "file.gz")
    assert [each.name for each in tmp_path.iterdir()] == ["file.gz.part"]
    server.answers[:] = [send()]
    assert get(server, tmp_path / "file.gz").read_bytes() == CONTENT
    assert server.ranges[-1] == REST


def test_a_file_that_is_there_and_right_is_not_downloaded_again(server, tmp_path):
    server.answers.append(send())
    path = tmp_path / "file.gz"
    path.write_bytes(CONTENT)
    get(server, path)
    assert server.ranges == []
    path.write_bytes(b"another")
    assert get(server, path).read_bytes() == CONTENT


def test_another_file_is_refused_and_removed(server, tmp_path):
    server.answers.append(send(b"sign in first"))
    with pytest.raises(DownloadError) as refused:
        get(server, tmp_path / "file.gz")
    got = hashlib.sha256(b"sign in first").hexdigest()
    assert str(refused.value) == f"expected a file with SHA-256 {SHA256} from {server.url}; got {got}"
    assert list(tmp_path.iterdir()) == []


def test_a_refusal_is_said_at_once(server, tmp_path):
    server.answers.append(refuse(404))
    with pytest.raises(DownloadError) as refused:
        get(server, tmp_path / "file.gz")
    assert str(refused.value) == f"{server.url} cannot be downloaded: the server answered 404 Not Found"
    assert len(server.ranges) == 1


def test_progress_is_in_bytes(server, tmp_path):
    server.answers.extend([send(until=CHUNK_SIZE), send()])
    seen = []
    get(server, tmp_path / "file.gz", progress=lambda *progress: seen.append(progress))
    assert seen[0] == (CHUNK_SIZE, len(CONTENT))
    assert seen[-1] == (len(CONTENT), len(CONTENT))
    assert [num for num, _ in seen] == sorted(num for num, _ in seen)


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/file.gz", "http://nowhere.invalid/file.gz"])
def test_without_a_network_the_files_to_lay_by_hand_are_named(tmp_path, url):
    source = Source((Original("file.gz", url), Original("labels.gz", url)), dict, {})
    recipe = Recipe("toy", "1.0.0", "", "", dict, (source,))
    start = time.monotonic()
    with pytest.raises(DownloadError) as refused:
        downloaded(recipe, source, tmp_path / "new", lambda line: None)
    assert time.monotonic() - start < 5
    assert str(refused.value) == (
        f"no connection to {url}; lay file.gz, labels.gz in a folder DIR and give it: "
        "vae-jax data prepare toy --from DIR"
    )


def test_every_tenth_is_said(server, tmp_path):
    server.answers.append(send())
    source = Source((Original("file.gz", server.url, sha256=SHA256),), dict, {})
    said = []
    (path,) = downloaded(Recipe("toy", "1.0.0", "", "", dict, (source,)), source, tmp_path, said.append, PATIENCE)
    assert path.read_bytes() == CONTENT
    assert said[-1] == "file.gz: 100 % of 0.5 MB"
    assert len(said) <= 10

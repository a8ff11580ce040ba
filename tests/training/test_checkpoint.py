"""Checkpoints come back bit for bit, or not at all; what is damaged is passed over, what is foreign is refused."""

import errno
import gc
import os
import pickle
import re
import resource
import shlex
import shutil
import subprocess
import tracemalloc  # noqa: F401 (pytest imports it to report what fails without descriptors)
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from descriptors import num_open
from orbax.checkpoint import v1 as ocp

from vae_jax.messages import RunError
from vae_jax.training.advance import start
from vae_jax.training.checkpoint import Best, Checkpoints, Record
from vae_jax.training.saved import read_for_a_look, read_step

KEY = jax.random.key(5)
# Orbax leaves the tasks of a failed restore to be found by the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
RECORD = Record(epoch=2, batch=3, num_metrics_bytes=1234, best=Best(step=5, value=-0.1 - 0.2, num_validations_since=1))


@pytest.fixture(scope="module")
def beginning(tiny):
    return start(tiny.trainer, tiny.feed, KEY)


@pytest.fixture(scope="module")
def target(beginning):
    return jax.eval_shape(lambda: beginning)


@pytest.fixture(scope="module")
def at_step(beginning):
    """step -> a progress whose every array is particular to it."""

    def copy(leaf):
        return jax.random.clone(leaf) if jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key) else jnp.copy(leaf)

    def progress(step):
        fresh = jax.tree.map(copy, beginning)  # one test gives its arrays away
        state = fresh.state
        params = {name: value + step for name, value in state.params.items()}
        return fresh._replace(state=state._replace(step=jnp.asarray(step, jnp.int32), params=params))

    return progress


@pytest.fixture(scope="module")
def two_saved(tmp_path_factory, at_step):
    """A directory with the checkpoints of steps 5 and 10."""
    directory = tmp_path_factory.mktemp("saved") / "checkpoints"
    checkpoints = Checkpoints(directory)
    for step in (5, 10):
        checkpoints.save(step, at_step(step), RECORD)
    checkpoints.close()
    return directory


@pytest.fixture
def two(two_saved, tmp_path):
    """A copy of it, to damage."""
    return Path(shutil.copytree(two_saved, tmp_path / "checkpoints"))


@pytest.fixture(autouse=True)
def collect_garbage():
    yield
    gc.collect()


def restore(directory, target):
    """What is restored, and what is said meanwhile."""
    said = []
    checkpoints = Checkpoints(directory, say=said.append)
    try:
        return checkpoints.restore_latest(target), said
    finally:
        checkpoints.close()


def contents(directory):
    return {path.relative_to(directory): path.read_bytes() for path in directory.rglob("*") if path.is_file()}


def test_what_is_restored_is_what_was_saved_to_the_bit(two, target, at_step, assert_same_bits):
    """The random key, the optimizer's state, the average, and the record's floats included."""
    (progress, record), said = restore(two, target)
    assert_same_bits(progress, at_step(10))
    assert record == RECORD
    assert isinstance(record.best, Best)
    assert said == []
    assert jax.random.normal(progress.state.key) == jax.random.normal(at_step(10).state.key)


def test_a_record_without_a_best_and_one_that_was_never_finite(tmp_path, target, at_step):
    for step, best in ((1, None), (2, Best(0, float("-inf")))):
        checkpoints = Checkpoints(tmp_path)
        checkpoints.save(step, at_step(step), RECORD._replace(best=best))
        checkpoints.close()
        assert restore(tmp_path, target)[0][1].best == best


def test_no_checkpoint_is_none(tmp_path, target):
    assert restore(tmp_path / "checkpoints", target) == (None, [])


def test_the_latest_and_the_best_are_kept(tmp_path, at_step):
    checkpoints = Checkpoints(tmp_path, num_latest=2)
    kept = []
    for step, best in ((1, 1), (2, 2), (3, 2), (4, 2), (5, 2), (6, 6), (7, 6)):
        checkpoints.save(step, at_step(step), RECORD._replace(best=Best(best, 0.0)))
    checkpoints.close()
    checkpoints = Checkpoints(tmp_path, num_latest=2)
    kept.append(checkpoints.steps)
    assert checkpoints.path_of(7).is_dir()
    checkpoints.close()
    assert kept == [[6, 7]]


def test_the_best_is_kept_for_as_long_as_it_is_the_best(tmp_path, target, at_step, assert_same_bits):
    checkpoints = Checkpoints(tmp_path, num_latest=2)
    for step in (1, 2, 3, 4, 5):
        checkpoints.save(step, at_step(step), RECORD._replace(best=Best(min(step, 2), 0.0)))
    checkpoints.close()
    checkpoints = Checkpoints(tmp_path, num_latest=2)
    assert checkpoints.steps == [2, 4, 5]
    checkpoints.close()
    assert_same_bits(read_step(tmp_path, 2, target, record_type=Record)[0], at_step(2))


def test_a_step_that_is_saved_is_left_alone(two, target, at_step, assert_same_bits):
    checkpoints = Checkpoints(two)
    checkpoints.save(10, at_step(99), RECORD)
    checkpoints.close()
    assert_same_bits(restore(two, target)[0][0], at_step(10))


def test_saving_goes_on_while_the_arrays_are_given_away(tmp_path, target, at_step, assert_same_bits):
    """The next steps overwrite a state while it is being saved."""
    checkpoints = Checkpoints(tmp_path)
    progress = at_step(3)
    checkpoints.save(3, progress, RECORD)
    jax.block_until_ready(jax.jit(lambda p: jax.tree.map(lambda x: x, p), donate_argnums=0)(progress))
    checkpoints.close()
    assert_same_bits(restore(tmp_path, target)[0][0], at_step(3))


def truncate(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def flip(path: Path) -> None:
    """Other bits in sixteen places all over the file."""
    damaged = bytearray(path.read_bytes())
    for place in np.linspace(0, len(damaged) - 1, 16).astype(int):
        damaged[place] ^= 0x55
    path.write_bytes(damaged)


def flip_in_the_middle(path: Path) -> None:
    damaged = bytearray(path.read_bytes())
    damaged[len(damaged) // 2] ^= 0x01
    path.write_bytes(damaged)


def flip_in_names(path: Path) -> None:
    """A bit in each name of a field, where orbax keeps JSON, which stays JSON."""
    damaged = path.read_bytes()
    for name in (b"chunk_shape", b"param_name", b"write_shape"):
        damaged = damaged.replace(name, name[:-1] + bytes([name[-1] ^ 0x01]))
    path.write_bytes(damaged)


@pytest.mark.parametrize("damage", [truncate, flip, flip_in_the_middle, Path.unlink], ids=lambda way: way.__name__)
def test_a_damaged_file_never_gives_other_numbers(two_saved, tmp_path, target, at_step, assert_same_bits, damage):
    """In whichever file the damage is: the checkpoint before it comes back, or, where nobody needs it, the newest."""
    num_passed_over = 0
    for file in contents(two_saved / "10"):
        two = Path(shutil.copytree(two_saved, tmp_path / str(len(list(tmp_path.iterdir()))) / "checkpoints"))
        damage(two / "10" / file)
        (progress, record), said = restore(two, target)
        assert record == RECORD
        if said:
            num_passed_over += 1
            (line,) = said
            assert line.startswith("checkpoint 10 is damaged (")
            back = f"'mv {two.parent / 'damaged' / '10'} {two}' brings it back"
            assert line.endswith(f"and was moved to damaged/, from where {back}; going on from step 5")
            assert "\n" not in line
            assert (two.parent / "damaged" / "10").is_dir()
            assert sorted(path.name for path in two.iterdir()) == ["5"]
            assert_same_bits(progress, at_step(5))
        else:
            assert not (two.parent / "damaged").exists()
            assert_same_bits(progress, at_step(10))
    assert num_passed_over >= 3  # the record, the description, the arrays


def test_names_that_have_changed_in_what_describes_arrays_are_a_damage(two, target, at_step, assert_same_bits):
    for file in (two / "10" / "progress" / "array_metadatas").iterdir():
        flip_in_names(file)
    (progress, _), (line,) = restore(two, target)
    assert line.startswith("checkpoint 10 is damaged (")
    assert_same_bits(progress, at_step(5))


def test_a_flipped_bit_in_a_large_array_is_found(tmp_path, at_step):
    """Small arrays lie in blocks with a checksum of orbax's; large ones do not."""
    large = {"weight": jax.random.normal(KEY, (200, 300))}

    def progress(step):
        some = at_step(step)
        return some._replace(state=some.state._replace(params=large))

    checkpoints = Checkpoints(tmp_path / "checkpoints")
    for step in (5, 10):
        checkpoints.save(step, progress(step), RECORD)
    checkpoints.close()
    flip_in_the_middle(max((tmp_path / "checkpoints" / "10").rglob("*"), key=lambda path: path.stat().st_size))
    (restored, _), (line,) = restore(tmp_path / "checkpoints", jax.eval_shape(lambda: progress(0)))
    assert int(restored.state.step) == 5
    assert line.startswith("checkpoint 10 is damaged (its contents are not those that were saved)")


@pytest.mark.parametrize("damage", [lambda path: empty_a_checkpoint(path, 5), lambda path: shutil.rmtree(path / "5")])
def test_a_certain_checkpoint_that_cannot_be_read_is_an_error_and_is_not_moved(two, target, damage):
    damage(two)
    before = contents(two)
    with pytest.raises(RunError, match=r"expected checkpoint 5 in .*; it cannot be read \(.*\); .*--select latest"):
        read_step(two, 5, target, record_type=Record)
    assert contents(two) == before


def empty_a_checkpoint(directory: Path, step: int) -> None:
    for path in (directory / str(step)).rglob("*"):
        if path.is_file():
            path.write_bytes(b"")


def test_a_record_that_orbax_cannot_list_is_passed_over_like_any_damage(two, target, at_step, assert_same_bits):
    """Orbax reads the records of all checkpoints when it opens a directory."""
    record = two / "10" / "_CHECKPOINT_METADATA"
    record.write_bytes(record.read_bytes().replace(b"commit_timestamp", b"commit_timertamp"))
    (progress, _), (line,) = restore(two, target)
    assert_same_bits(progress, at_step(5))
    assert line.startswith("checkpoint 10 is damaged (")
    assert line.endswith("brings it back; going on from step 5")


def test_a_later_save_at_the_damaged_step_works(two, target, at_step, assert_same_bits):
    empty_a_checkpoint(two, 10)
    checkpoints = Checkpoints(two, say=lambda line: None)
    assert int(checkpoints.restore_latest(target)[0].state.step) == 5
    checkpoints.save(10, at_step(10), RECORD)
    checkpoints.close()
    (progress, _), said = restore(two, target)
    assert said == []
    assert_same_bits(progress, at_step(10))


def test_damaged_twice_at_the_same_step(two, target, at_step):
    for _ in range(2):
        empty_a_checkpoint(two, 10)
        checkpoints = Checkpoints(two, say=lambda line: None)
        assert int(checkpoints.restore_latest(target)[0].state.step) == 5
        checkpoints.save(10, at_step(10), RECORD)
        checkpoints.close()


def test_where_all_are_damaged_the_run_cannot_go_on(two, target):
    """And never begins anew by itself, when it is tried again either."""
    for step in (5, 10):
        empty_a_checkpoint(two, step)
    said = []
    for _ in range(2):
        checkpoints = Checkpoints(two, say=said.append)
        with pytest.raises(RunError, match=r"no checkpoint in .*checkpoints can be read; put one back from .*"):
            checkpoints.restore_latest(target)
        checkpoints.close()
    assert [line.split(" (")[0] for line in said] == ["checkpoint 10 is damaged", "checkpoint 5 is damaged"]
    assert said[0].endswith("going on from step 5")
    assert said[1].endswith("there is none before it")
    assert sorted(path.name for path in (two.parent / "damaged").iterdir()) == ["10", "5"]


def test_a_save_that_did_not_end_is_no_checkpoint(two, target, at_step, assert_same_bits):
    """What a killed process leaves: a directory under orbax's temporary name. It is passed over without a word."""
    shutil.copytree(two / "10", two / "15.orbax-checkpoint-tmp")
    shutil.copytree(two / "10", two / "20.orbax-checkpoint-tmp-123456")
    empty_a_checkpoint(two, "15.orbax-checkpoint-tmp")
    (progress, _), said = restore(two, target)
    assert said == []
    assert_same_bits(progress, at_step(10))
    checkpoints = Checkpoints(two)
    checkpoints.save(15, at_step(15), RECORD)
    checkpoints.close()
    assert_same_bits(restore(two, target)[0][0], at_step(15))


def replaced(target, **params):
    return target._replace(state=target.state._replace(params=target.state.params | params))


def without(target, name):
    params = {other: leaf for other, leaf in target.state.params.items() if other != name}
    return target._replace(state=target.state._replace(params=params))


RBG = jax.eval_shape(lambda: jax.random.key(0, impl="rbg"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param(
            lambda target: replaced(target, bias=jax.ShapeDtypeStruct((3,), jnp.float16)),
            r"expected state\.params\.bias to be float16\[3\] in checkpoint 10 in .*; got float32\[3\]",
            id="type",
        ),
        pytest.param(
            lambda target: replaced(target, bias=jax.ShapeDtypeStruct((4,), jnp.float32)),
            r"expected state\.params\.bias to be float32\[4\] in checkpoint 10 in .*; got float32\[3\]",
            id="shape",
        ),
        pytest.param(
            lambda target: target._replace(num_summed=jax.ShapeDtypeStruct((), jnp.float32)),
            r"expected num_summed to be float32\[\] in checkpoint 10 in .*; got int32\[\]",
            id="type of a count",
        ),
        pytest.param(
            lambda target: target._replace(state=target.state._replace(key=RBG)),
            r"expected state\.key to be uint32\[4\] in checkpoint 10 in .*; got uint32\[2\]",
            id="a key of another generator",
        ),
        pytest.param(
            lambda target: replaced(target, scale=jax.ShapeDtypeStruct((2,), jnp.float32)),
            r"expected state\.params\.scale \(float32\[2\]\) in checkpoint 10 in .*; it has none",
            id="one more",
        ),
        pytest.param(
            lambda target: without(target, "bias"),
            r"expected no state\.params\.bias in checkpoint 10 in .*; it has one",
            id="one less",
        ),
        pytest.param(
            lambda target: target._replace(state=target.state._replace(average=None)),
            r"expected no state\.average\.bias in checkpoint 10 in .*; it has one",
            id="no average",
        ),
    ],
)
def test_a_checkpoint_of_another_program_is_an_error_and_is_not_moved(two, target, change, message):
    before = contents(two)
    with pytest.raises(RunError, match=message + "; the experiment has changed") as raised:
        restore(two, change(target))
    assert "\n" not in str(raised.value)
    assert contents(two) == before
    assert not (two.parent / "damaged").exists()


TOO_MANY = "[OS error 24: EMFILE Too many open files]"


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (jax.errors.JaxRuntimeError("RESOURCE_EXHAUSTED: out of memory"), "RESOURCE_EXHAUSTED: out of memory"),
        (MemoryError(), "MemoryError"),
        (PermissionError(13, "Permission denied", "a file"), "Permission denied"),
        (OSError(24, "Too many open files"), "Too many open files"),
        (OSError(5, "Input/output error"), "Input/output error"),
        (ValueError(f"RESOURCE_EXHAUSTED: Error opening zarr3 driver: {TOO_MANY}"), "Too many open files"),
        (TypeError("a mesh that does not fit"), "a mesh that does not fit"),
    ],
)
@pytest.mark.parametrize("within", [False, True], ids=["plain", "within another"])
def test_what_the_machine_lacks_is_not_the_fault_of_a_checkpoint(two, target, monkeypatch, error, reason, within):
    """Every file stays where it is, and one line says what is wrong."""
    before = contents(two)

    def fail(*_, **__):
        if within:
            raise KeyError("no handler is compatible") from error
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(ocp, "load_checkpointables", fail)
        with pytest.raises(RunError, match="need not be damaged and was left as it is; " + reason) as raised:
            restore(two, target)
        assert "\n" not in str(raised.value)
        # The same where orbax has swallowed the error and returns no description.
        patch.setattr(ocp, "checkpointables_metadata", without_description)
        if not isinstance(error, TypeError):
            with pytest.raises(RunError, match=reason):
                restore(two, target)
    assert contents(two) == before
    assert not (two.parent / "damaged").exists()
    assert int(restore(two, target)[0][0].state.step) == 10


def without_description(path, read=ocp.checkpointables_metadata):
    return SimpleNamespace(metadata={"progress": None}, custom_metadata=read(path).custom_metadata)


@pytest.mark.filterwarnings("ignore:coroutine .* was never awaited:RuntimeWarning")
def test_without_descriptors_a_sound_checkpoint_is_neither_read_nor_moved(two, target):
    """Too many open files, for real: orbax turns them into whatever it had been doing."""
    before, soft = contents(two), resource.getrlimit(resource.RLIMIT_NOFILE)
    for num_left in (1, 4, 8):
        held = []
        resource.setrlimit(resource.RLIMIT_NOFILE, (len(os.listdir("/proc/self/fd")) + 20, soft[1]))
        try:
            with suppress(OSError):
                while True:
                    held.append(os.open(os.devnull, os.O_RDONLY))
            for _ in range(num_left):
                os.close(held.pop())
            with pytest.raises((RunError, OSError), match="Too many open files"):
                restore(two, target)
        finally:
            for each in held:
                os.close(each)
            resource.setrlimit(resource.RLIMIT_NOFILE, soft)
    assert contents(two) == before
    assert not (two.parent / "damaged").exists()
    assert int(restore(two, target)[0][0].state.step) == 10


def test_who_only_looks_sets_nothing_aside(two, target, at_step, assert_same_bits, capsys):
    empty_a_checkpoint(two, 10)
    before = contents(two)
    progress, _ = read_for_a_look(two, target, record_type=Record)
    assert_same_bits(progress, at_step(5))
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("checkpoint 10 is damaged (")
    assert line.endswith("); the one before it is taken")
    empty_a_checkpoint(two, 5)
    with pytest.raises(RunError, match=r"expected a checkpoint in .* that can be read; there is none"):
        read_for_a_look(two, target, record_type=Record)
    assert contents(two).keys() == before.keys()
    assert not (two.parent / "damaged").exists()


def test_what_was_set_aside_can_be_brought_back_as_the_line_says(two, target, at_step, assert_same_bits):
    record = two / "10" / "_CHECKPOINT_METADATA"
    sound = record.read_bytes()
    record.write_bytes(b"")
    _, (line,) = restore(two, target)
    (two.parent / "damaged" / "10" / record.name).write_bytes(sound)
    subprocess.run(shlex.split(line.split("'")[1]), check=True)
    (progress, _), said = restore(two, target)
    assert said == []
    assert_same_bits(progress, at_step(10))


def test_saves_leave_no_descriptors_open(tmp_path, at_step):
    """The first one opens what all later ones use."""
    counts = []
    for number in range(5):
        (tmp_path / str(number)).mkdir()
        checkpoints = Checkpoints(tmp_path / str(number) / "checkpoints")
        for step in (1, 2):
            checkpoints.save(step, at_step(step), RECORD)
        checkpoints.close()
        counts.append(num_open(at_most=counts[1] if number > 1 else None))
    assert max(counts[2:]) <= counts[1], counts


@pytest.mark.parametrize("at", ["save_checkpointables_async", "result"])
def test_a_full_disk_is_one_line_and_the_checkpoints_before_are_whole(two, target, at_step, monkeypatch, at):
    """Whether orbax notices it at once or in the background."""
    checkpoints = Checkpoints(two)
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def fail(*_, **__):
        raise ValueError("Error writing a chunk") from full

    with monkeypatch.context() as patch:
        if at == "result":
            patch.setattr(ocp.training.Checkpointer, "save_checkpointables_async", lambda *_, **__: Failing(fail))
        else:
            patch.setattr(ocp.training.Checkpointer, at, fail)
        message = f"expected to save step 15 in {two}; No space left on device; the checkpoints before it are whole"
        with pytest.raises(RunError, match=re.escape(message)):
            save_now(checkpoints, 15, at_step(15))
    checkpoints.close()
    assert int(restore(two, target)[0][0].state.step) == 10


def test_an_error_that_leads_to_itself_is_one_line(tmp_path, at_step, monkeypatch):
    """As those are of orbax's threads, which are kept, and raised again while they are handled."""
    checkpoints = Checkpoints(tmp_path / "checkpoints")
    first, again = ValueError("Error writing a chunk"), RuntimeError("the save failed")
    first.__context__, again.__context__ = again, first

    def fail(*_, **__):
        raise again

    with monkeypatch.context() as patch:
        patch.setattr(ocp.training.Checkpointer, "save_checkpointables_async", fail)
        with pytest.raises(RunError, match="Error writing a chunk; there is none before it: mend that, and train anew"):
            checkpoints.save(0, at_step(0), RECORD)
    checkpoints.close()


def save_now(checkpoints, step, progress):
    checkpoints.save(step, progress, RECORD)
    checkpoints.wait()


class Failing(NamedTuple):
    """The answer of a save that fails in the background."""

    result: Callable[[], None]


@pytest.mark.parametrize("loss", [shutil.rmtree, lambda home: home.rename(home.with_name("elsewhere"))])
def test_a_directory_that_was_taken_away_is_not_made_again(tmp_path, at_step, loss):
    home = tmp_path / "run"
    home.mkdir()
    checkpoints = Checkpoints(home / "checkpoints")
    checkpoints.save(1, at_step(1), RECORD)
    checkpoints.wait()
    loss(home)
    for again in (False, True):
        if again:
            home.mkdir()  # of the same name, but another
        with pytest.raises(RunError, match=r"expected .*run to stay where it is .*; it was removed or renamed; bring"):
            checkpoints.save(2, at_step(2), RECORD)
    assert list(home.iterdir()) == []


def precision_elsewhere():
    """Of a thread that no context manager has reached."""
    with ThreadPoolExecutor(1) as other:
        return other.submit(lambda: jnp.zeros(()).dtype).result()


@pytest.mark.parametrize("in_64_bits", [False, True])
def test_a_precision_by_a_context_manager_holds_in_reading_and_no_longer(tmp_path, in_64_bits):
    """The arrays come back as they were saved, and other threads then compute as they did before."""
    before = precision_elsewhere()
    with jax.enable_x64(in_64_bits):
        saved = {"third": jnp.full(2, 1 / 3)}
        checkpoints = Checkpoints(tmp_path / "checkpoints")
        checkpoints.save(5, saved, RECORD)
        checkpoints.close()
        (restored, _), said = restore(tmp_path / "checkpoints", jax.eval_shape(lambda: saved))
        assert said == []
        assert restored["third"].dtype == saved["third"].dtype == (jnp.float64 if in_64_bits else jnp.float32)
        assert precision_elsewhere() == before
    assert jnp.zeros(()).dtype == before


def test_nothing_is_pickled(tmp_path, target, at_step, monkeypatch, assert_same_bits):
    def refuse(*_, **__):
        raise AssertionError("pickle was used")

    for name in ("dump", "dumps", "load", "loads", "Pickler", "Unpickler", "_Pickler", "_Unpickler"):
        monkeypatch.setattr(pickle, name, refuse)
    checkpoints = Checkpoints(tmp_path)
    checkpoints.save(1, at_step(1), RECORD)
    checkpoints.close()
    (progress, _), said = restore(tmp_path, target)
    assert said == []
    assert_same_bits(progress, at_step(1))
    for path, content in contents(tmp_path).items():
        assert not (content[:1] == b"\x80" and content[-1:] == b"."), f"{path} has the frame of a pickle"
        assert b"copyreg" not in content

"""A stack's files: what a checkpoint says of its slots, whose it is, and which lanes it has."""

import json
import subprocess
import sys

import pytest

from vae_jax.sweeps.lanes.stack import SlotRecord, Stack, StackRecord
from vae_jax.sweeps.values.trial import Trial
from vae_jax.training.checkpoint import Best, Record

RECORDS = {
    "nothing": StackRecord(()),
    "free slots": StackRecord((None, None)),
    "a lane that was never validated": StackRecord(
        (SlotRecord(0, 0, Record(0, 0, 0, None), Record(0, 0, 0, None), {}),)
    ),
    "lanes": StackRecord(
        (
            SlotRecord(
                3,
                120,
                Record(2, 20, 4096, Best(100, -97.25, 1)),
                Record(1, 50, 2048, Best(100, -97.25)),
                {"beta": 0.1, "seed": 3},
            ),
            None,
            SlotRecord(
                0, 10, Record(0, 10, 7, Best(0, -1e30, 3)), Record(0, 0, 1, Best(0, -1e30)), {"data.rate": 1 / 3}
            ),
        )
    ),
}


@pytest.mark.parametrize("record", RECORDS.values(), ids=RECORDS)
def test_a_record_comes_back_from_json(record):
    again = StackRecord.from_json(json.loads(json.dumps(record.to_json(), allow_nan=False)))
    assert again == record
    assert repr(again) == repr(record)  # of the same types all the way down: its checksum is that of its repr


def test_what_a_stack_is_comes_back_from_its_file(tmp_path):
    stack = Stack(tmp_path / "stacks" / "000")
    assert not stack.exists
    stack.group = {"hidden_sizes": (8, 4), "activation": "relu", "size": None, "is_deep": True}
    stack.trials = [Trial(4, stack.group | {"beta": 0.1}), Trial(0, stack.group | {"beta": 1 / 3})]
    stack.write()
    again = Stack(stack.path).read()
    assert again.exists
    assert again.num_slots is None
    assert (again.group, again.trials) == (stack.group, stack.trials)
    again.num_slots = 16
    again.trials.append(Trial(5, {"beta": 2.0}))
    again.write()
    assert stack.read().num_slots == 16
    assert [trial.number for trial in stack.trials] == [4, 0, 5]


def test_a_stack_that_was_being_written_when_its_worker_was_killed_is_none(tmp_path):
    path = tmp_path / "000"
    path.mkdir()
    (path / ".stack.json.writing").write_text('{"group"')
    assert not Stack(path).exists


HOLD = """
import sys
from pathlib import Path
from vae_jax.sweeps.lanes.stack import Stack
stack = Stack(Path(sys.argv[1]))
print(stack.take(), flush=True)
sys.stdin.readline()
stack.leave()
print("left", flush=True)
sys.stdin.read()
"""


def test_one_process_has_a_stack_until_it_leaves_or_ends(tmp_path):
    stack = Stack(tmp_path / "000")
    stack.write()
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    holder = subprocess.Popen([sys.executable, "-c", HOLD, str(stack.path)], **pipes)
    try:
        assert holder.stdout.readline() == "True\n"
        assert not stack.take()
        assert stack.read().exists  # to look is free
        holder.stdin.write("leave\n")
        holder.stdin.flush()
        assert holder.stdout.readline() == "left\n"
        assert stack.take()
        assert stack.take()  # by the same again
        stack.leave()
        assert subprocess.run(
            [sys.executable, "-c", HOLD, str(stack.path)], input="", capture_output=True, text=True, check=True
        ).stdout.startswith("False\n")
        stack.leave()
    finally:
        holder.kill()
        holder.wait()
        holder.stdin.close()
        holder.stdout.close()


def test_a_stack_of_a_killed_process_is_free(tmp_path):
    stack = Stack(tmp_path / "000")
    stack.write()
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(stack.path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout.readline() == "True\n"
        assert not stack.take()
        holder.kill()
        holder.wait()
    assert stack.take()
    stack.leave()

"""Records of runs, from directories made by hand: what is read, what is left out, and what is refused."""

import json

import pytest

from vae_jax.messages import UsageError
from vae_jax.runs.records import STATES, read_record, records_in, run_directories


def names(records):
    return [record.name for record in records]


@pytest.fixture
def said():
    return []


# One run


def test_a_record_is_what_the_files_hold(write_run, tmp_path):
    path = write_run(
        tmp_path / "one",
        experiment="vae_mnist",
        num_steps=7,
        values=(-3.0, None),
        evaluation={"nll": 90.0},
        seed=3,
        beta=4.0,
        hidden_sizes=[16, 8],
        data={"name": "mnist", "image_size": None, "inner": {"deep": 1}},
        options={},
    )
    record = read_record(path)
    assert record.name == "one"
    assert list(record.fields.items()) == [
        ("experiment", "vae_mnist"),
        ("seed", 3),
        ("beta", 4.0),
        ("hidden_sizes", [16, 8]),
        ("data.name", "mnist"),
        ("data.image_size", None),
        ("data.inner.deep", 1),
        ("options", {}),
        ("num_steps", 7),
    ]
    assert [line["value"] for line in record.metrics] == [-3.0, None]
    assert (record.evaluation, record.state) == ({"nll": 90.0}, "finished")


def test_it_is_named_by_its_directory_however_that_is_said(write_run, tmp_path, monkeypatch):
    path = write_run(tmp_path / "runs" / "one")
    monkeypatch.chdir(path)
    assert {read_record(path.__class__(said)).name for said in (".", "../one", "./")} == {"one"}


@pytest.mark.parametrize("state", STATES)
def test_a_lane_tells_its_state(write_run, tmp_path, state):
    assert read_record(write_run(tmp_path / "a", state=state)).state == state
    assert read_record(write_run(tmp_path / "b", state=state, evaluation={})).state == state


def test_without_a_lane_the_evaluation_tells_it(write_run, tmp_path):
    assert read_record(write_run(tmp_path / "a")).state == "running"
    assert read_record(write_run(tmp_path / "b", evaluation={"nll": 1.0})).state == "finished"


def test_a_run_that_writes_at_this_moment(write_run, tmp_path):
    """Half a line of metrics is not there yet, and a run has no metrics before its first."""
    path = write_run(tmp_path / "a", values=(-1.0,))
    with (path / "metrics.jsonl").open("a") as file:
        file.write('{"step": 1, "spl')
    assert len(read_record(path).metrics) == 1
    (path / "metrics.jsonl").unlink()
    assert read_record(path).metrics == []


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("config.json", "{", "expected JSON in {file}; Expecting property name"),
        ("config.json", "[]", "expected an object with config, experiment, num_steps in {file}; got another"),
        ("evaluation.json", '{"nll": 1', "expected JSON in {file}; Expecting ',' delimiter"),
        ("evaluation.json", "[1]", "expected an object in {file}; got another"),
        ("evaluation.json", b"\xff\xfe", "expected JSON in {file}; 'utf-8' codec can't decode"),
        ("metrics.jsonl", '{"step": 1}\n{"step\n', "expected JSON in line 2 of {file}; Unterminated string"),
        ("metrics.jsonl", "1\n", "expected an object in line 1 of {file}; got another"),
        ("lane.json", "", "expected JSON in {file}; Expecting value"),
        ("lane.json", "{}", "expected a state (waiting, running, finished, stopped, diverged) in {file}; got None"),
        ("lane.json", '{"state": "lost"}', f"expected a state ({', '.join(STATES)}) in {{file}}; got 'lost'"),
    ],
)
def test_a_damaged_file_is_named(write_run, tmp_path, said, file, content, message):
    """Alone it is refused; beside others it is left out, with a line."""
    path = write_run(tmp_path / "runs" / "damaged")
    (path / file).write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(UsageError) as refusal:
        read_record(path)
    line = str(refusal.value)
    assert line.startswith(message.format(file=path / file))
    assert "\n" not in line

    with pytest.raises(UsageError, match="expected "):
        records_in(path.parent)
    write_run(tmp_path / "runs" / "fine")
    assert names(records_in(path.parent, say=said.append)) == ["fine"]
    assert said == [f"left out: {line}"]


# Many runs


def test_of_a_sweep_its_lanes(write_run, tmp_path):
    sweep = tmp_path / "sweep"
    for name in ("0002", "0000", "0001"):
        write_run(sweep / "lanes" / name, state="waiting")
    (sweep / "sweep.json").write_text("{}")
    (sweep / "stacks").mkdir()
    (sweep / "lanes" / "notes.txt").touch()
    assert names(records_in(sweep)) == ["0000", "0001", "0002"]


def test_of_a_folder_its_runs_and_of_these_one_level(write_run, tmp_path, capsys):
    for name in ("b", "a"):
        write_run(tmp_path / name)
    write_run(tmp_path / "deeper" / "c")
    (tmp_path / "images").mkdir()
    (tmp_path / "notes.txt").touch()
    assert names(records_in(tmp_path)) == ["a", "b"]
    assert capsys.readouterr().err == ""  # what is no run is nothing to speak of


def test_a_run_is_there_once_however_often_it_is_said(write_run, tmp_path):
    """Twice the same run would be a second seed, and make errors small."""
    path = write_run(tmp_path / "runs" / "a", seed=0)
    (tmp_path / "link").symlink_to(path)
    assert len(records_in(path, path.parent, tmp_path / "link", tmp_path / "runs" / ".." / "runs" / "a")) == 1


def test_names_that_are_alike_are_whole_paths(write_run, tmp_path):
    paths = [write_run(tmp_path / sweep / "lanes" / "0000") for sweep in ("one", "two")]
    write_run(tmp_path / "one" / "lanes" / "0001")
    records = records_in(tmp_path / "one", tmp_path / "two")
    assert names(records) == [str(paths[0]), "0001", str(paths[1])]


def test_what_was_only_begun_is_left_out_with_a_line(write_run, tmp_path, capsys):
    write_run(tmp_path / "fine")
    (tmp_path / "begun").mkdir()
    (tmp_path / "begun" / "environment.json").write_text("{}")
    write_run(tmp_path / "sweep" / "lanes" / "0000")
    (tmp_path / "sweep" / "sweep.json").write_text("{}")
    assert names(records_in(tmp_path)) == ["fine"]
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == [
        f"vae-jax: left out: expected a run, a sweep, or a folder with runs in it; {tmp_path / 'begun'} has no "
        "config.json; start a run with vae-jax train",
        f"vae-jax: left out: expected a run; {tmp_path / 'sweep'} holds a sweep; compare its lanes by "
        f"'vae-jax compare {tmp_path / 'sweep'}'",
    ]


def test_a_lane_that_was_only_begun_is_left_out_with_a_line(write_run, tmp_path, said):
    write_run(tmp_path / "lanes" / "0000")
    (tmp_path / "lanes" / "0001").mkdir()
    assert names(records_in(tmp_path, say=said.append)) == ["0000"]
    (line,) = said
    assert f"{tmp_path / 'lanes' / '0001'} has no config.json" in line


def test_an_empty_folder_and_a_file_are_refused_alone_and_left_out_beside_others(write_run, tmp_path, said):
    (tmp_path / "empty").mkdir()
    (tmp_path / "notes.txt").touch()
    for path in (tmp_path / "empty", tmp_path / "notes.txt"):
        with pytest.raises(UsageError, match=rf"^expected a run, .*; {path} has no config.json; start a run with"):
            records_in(path)
    fine = write_run(tmp_path / "fine")
    assert names(records_in(*sorted(tmp_path.iterdir()), say=said.append)) == [fine.name]
    assert len(said) == 2


def test_what_does_not_exist_is_refused_even_beside_others(write_run, tmp_path):
    """It was mistyped; a ranking without it would mislead."""
    fine = write_run(tmp_path / "fine")
    with pytest.raises(UsageError, match=rf"; {tmp_path / 'fien'} does not exist$"):
        records_in(fine, tmp_path / "fien")


def test_a_sweep_without_lanes_is_refused(tmp_path):
    (tmp_path / "sweep.json").write_text("{}")
    message = f"expected lanes in {tmp_path / 'lanes'}; the sweep has none yet; start it with vae-jax sweep"
    for _ in ("no folder", "an empty one"):
        with pytest.raises(UsageError) as refusal:
            run_directories(tmp_path)
        assert str(refusal.value) == message
        (tmp_path / "lanes").mkdir(exist_ok=True)


def test_reading_changes_nothing(write_run, tmp_path):
    path = write_run(tmp_path / "a", evaluation={})
    before = {file: (file.read_bytes(), file.stat().st_mtime_ns) for file in path.iterdir()}
    records_in(tmp_path)
    assert {file: (file.read_bytes(), file.stat().st_mtime_ns) for file in path.iterdir()} == before
    assert json.loads((path / "evaluation.json").read_text()) == {}


def test_an_evaluation_is_found_by_its_split_and_number_of_samples(write_run, tmp_path):
    """A run is finished, or not, whichever is asked for."""
    path = write_run(tmp_path / "run", evaluation={"split": "test", "num_samples": 10, "nll": 1.0})
    for name, split, num_samples, nll in (
        ("evaluation-test-5000", "test", 5000, 2.0),
        ("evaluation-validation-10", "validation", 10, 3.0),
        ("evaluation-validation-20-latest", "validation", 20, 4.0),
    ):
        (path / f"{name}.json").write_text(json.dumps({"split": split, "num_samples": num_samples, "nll": nll}))
    asked = [(None, None), ("test", 10), (None, 5000), ("validation", None), ("validation", 10), ("validation", 20)]
    found = [read_record(path, split=split, num_samples=num_samples) for split, num_samples in asked]
    assert [record.evaluation and record.evaluation["nll"] for record in found] == [1.0, 1.0, 2.0, 3.0, 3.0, None]
    assert {record.state for record in found} == {"finished"}
    assert records_in(path, num_samples=5000)[0].evaluation == found[2].evaluation

"""Training on the user's own data, from the command line: folders, arrays, tables, drawn shapes, and streams."""

import csv
import json

import numpy as np
import pytest
from PIL import Image

from vae_jax.cli.main import main
from vae_jax.training.metrics import read_metrics

SMALL = """
from dataclasses import dataclass

import optax

import vae_jax as vj


@dataclass(frozen=True)
class Config:
    data: vj.DataConfig = vj.DataConfig("digits")


def experiment(config, data):
    transform = vj.data.standardise(data) if data.columns else vj.data.dequantise(data.max_value)
    model = vj.models.gaussian(
        encoder=vj.networks.mlp(data.example_shape, (4,), (8,)),
        decoder=vj.networks.mlp((2,), data.example_shape, (8,)),
        likelihood=vj.models.likelihoods.gaussian_with_learned_scale(),
        latent_size=2,
    )
    objective = vj.objectives.over_batch(vj.objectives.elbo)
    return vj.Experiment(
        model=model,
        trainer=vj.trainer(model, objective, optax.adam(1e-2)),
        dataset=data,
        transform=transform,
        budget=vj.Budget(batch_size=8, num_steps=12, validate_every=6, log_every=3),
        num_samples=5,
    )
"""


@pytest.fixture
def small(tmp_path):
    path = tmp_path / "small.py"
    path.write_text(SMALL)
    return path


def make_photos(parent):
    """40 grey images of 8x8 pixels in two folders, which are their classes."""
    generator = np.random.default_rng(0)
    for index in range(40):
        folder = parent / "photos" / ("cats" if index % 2 else "dogs")
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(generator.integers(0, 256, (8, 8)).astype(np.uint8)).save(folder / f"{index:02}.png")
    return parent / "photos"


@pytest.fixture(scope="module")
def in_memory(tmp_path_factory):
    """The folder of the experiment, the photos, and a run that had them in memory."""
    folder = tmp_path_factory.mktemp("own")
    (folder / "small.py").write_text(SMALL)
    make_photos(folder)
    arguments = ["train", folder / "small.py", "--run-dir", folder / "run", "--data.name", folder / "photos"]
    assert main([str(argument) for argument in arguments]) == 0
    return folder


def test_a_folder_of_images_is_trained_on(vae_jax, in_memory, tmp_path):
    assert (in_memory / "run/images/samples.png").is_file()
    assert vae_jax("sample", in_memory / "run", "--out", tmp_path / "new.png").code == 0
    assert Image.open(tmp_path / "new.png").width > 8


@pytest.mark.usefixtures("without_a_page")
def test_streamed_by_a_process_and_stopped_within_an_epoch_it_ends_with_the_same_numbers(vae_jax, in_memory, tmp_path):
    """An epoch has four steps of eight; the run is stopped after six."""
    feed = ("--data.name", in_memory / "photos", "--data.feed", "stream", "--data.num-workers", 1)
    run = tmp_path / "run"
    result = vae_jax("train", in_memory / "small.py", "--run-dir", run, "--num-steps", 6, *feed)
    assert result.code == 0, result.err
    assert vae_jax("resume", run, "--num-steps", 12).code == 0
    for line, other in zip(*map(read_metrics, (run / "metrics.jsonl", in_memory / "run/metrics.jsonl")), strict=True):
        assert (line["step"], line["split"]) == (other["step"], other["split"])
        assert [line[name] for name in ("value", "kl")] == pytest.approx([other["value"], other["kl"]], rel=1e-5)
    ours, theirs = (json.loads((path / "evaluation.json").read_text()) for path in (run, in_memory / "run"))
    assert ours.keys() == theirs.keys()
    for name in ("elbo", "nll"):
        assert ours[name] == pytest.approx(theirs[name], rel=1e-5)


def test_an_image_that_is_cut_off_ends_a_stream_with_a_line_that_names_it(refusal, vae_jax, small, tmp_path):
    photos = make_photos(tmp_path)
    options = ("--run-dir", tmp_path / "run", "--data.name", photos, "--data.feed")
    broken = photos / "cats" / "01.png"
    broken.write_bytes(broken.read_bytes()[:-30])
    line = refusal("train", small, *options, "memory")
    assert str(broken) in line
    assert not (tmp_path / "run").exists()
    result = vae_jax("train", small, *options, "stream")
    assert result.code == 2
    assert str(broken) in result.err.splitlines()[-1]


@pytest.mark.long
@pytest.mark.usefixtures("without_a_page")
def test_arrays_are_trained_on(vae_jax, small, tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (40, 6, 5, 3)).astype(np.uint8)
    np.savez(tmp_path / "images.npz", train=images[:30], valid=images[30:35], test=images[35:])
    run = tmp_path / "run"
    result = vae_jax("train", small, "--run-dir", run, "--data.name", tmp_path / "images.npz")
    assert result.code == 0
    assumed = json.loads((run / "environment.json").read_text())["values"]
    assert assumed == "whole numbers from 0 to 255, taken as levels of which 255 becomes 1"
    assert f"values of images: {assumed}" in result.err.splitlines()
    assert json.loads((run / "evaluation.json").read_text())["num_examples"] == 5
    assert json.loads((run / "config.json").read_text())["config"]["data"]["name"].endswith("images.npz")


def test_a_table_is_standardised_and_its_samples_are_rows_in_its_kinds(vae_jax, refusal, small, tmp_path):
    rows = np.random.default_rng(0).normal([170, 60_000], [10, 5_000], (60, 2))
    lines = [
        "height;income;at",
        *(f"{h:.3f};{income:.0f};2024-01-{1 + i % 31:02}" for i, (h, income) in enumerate(rows)),
    ]
    (tmp_path / "people.csv").write_text("\n".join(lines) + "\n")
    run, out = tmp_path / "run", tmp_path / "new.csv"
    named = ("--data.name", tmp_path / "people.csv")
    assert refusal("train", small, "--run-dir", run, *named) == (
        f"expected ',' between the names in line 1 of {tmp_path / 'people.csv'}; it has semicolons; give "
        "--data.separator ';'"
    )
    assert vae_jax("train", small, "--run-dir", run, *named, "--data.separator", ";").code == 0
    assert "height (real), income (whole), at (date)" in (run / "report.html").read_text("utf-8")
    assert [column["kind"] for column in json.loads((run / "environment.json").read_text())["columns"][1:]] == [
        "whole",
        "date",
    ]
    assert vae_jax("sample", run, "--out", out, "--num", 200).code == 0
    header, *samples = csv.reader(out.read_text().splitlines())
    assert header == ["height", "income", "at"]
    heights, incomes, days = zip(*samples, strict=True)
    means = np.mean([list(map(float, heights)), list(map(int, incomes))], axis=1)
    np.testing.assert_allclose(means, [170, 60_000], rtol=0.05)
    assert "2024-01-01" <= min(days) < max(days) <= "2024-01-31"

    assert vae_jax("reconstruct", run, "--out", out, "--num", 3, "--split", "train").code == 0
    header, *pairs = csv.reader(out.read_text().splitlines())
    assert header[:4] == ["height", "height (reconstructed)", "income", "income (reconstructed)"]
    assert {(pair[0], pair[2], pair[4]) for pair in pairs} <= {
        (str(np.float32(height)), income, at) for height, income, at in (line.split(";") for line in lines[1:])
    }
    for command in ("sample", "reconstruct"):
        assert refusal(command, run, "--out", tmp_path / "new.png") == (
            "expected images to draw; got a table; name a .csv or .parquet file for its rows"
        )


def test_images_are_not_written_as_rows(refusal, trained, tmp_path):
    for command in ("sample", "reconstruct"):
        assert refusal(command, trained, "--out", tmp_path / "rows.csv") == (
            f"expected a table to write rows to {tmp_path / 'rows.csv'}; got images; name a .png file"
        )


def test_shapes_are_drawn_inside_the_training_step(vae_jax, small, tmp_path):
    """The compiled step is given row numbers, and no image is kept."""
    design = "vj.data.Design(image_size=16, num_orientations=4, num_x=4, num_y=4)"
    small.write_text(f'{SMALL}\n\ndef data(config):\n    return vj.data.full_factorial("few", {design})\n')
    assert vae_jax("train", small, "--run-dir", tmp_path / "run").code == 0
    assert (tmp_path / "run/images/reconstructions.png").is_file()


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (("--data.train", "tran"), "or a part such as train[:80%]; got 'tran'"),
        (("--data.name", "digitz"), "got 'digitz'; did you mean 'digits'?"),
        (("--data.name", "./nowhere"), "(.npy, .npz, .csv, .parquet); there is none at nowhere"),
        (("--data.name", "nowhere.npz"), "expected a file of data; there is none at nowhere.npz"),
    ],
)
def test_data_that_are_not_there_are_one_line_and_no_run_directory(refusal, small, tmp_path, options, expected):
    assert expected in refusal("train", small, "--run-dir", tmp_path / "run", *options)
    assert not (tmp_path / "run").exists()


@pytest.mark.usefixtures("without_a_page")
def test_in_a_notebook_a_name_is_enough(small, tmp_path):
    import vae_jax as vj

    run = vj.train(small, run_dir=tmp_path / "run", num_steps=0, data="mnist_5k")
    assert run.record["config"]["data"]["name"] == "mnist_5k"
    assert run.config.data == vj.DataConfig("mnist_5k")

"""The page: one file, nothing from outside, every number, nothing that a text could inject."""

import re

import pytest

from vae_jax.grids import png_bytes
from vae_jax.report import Picture, image_grid, report_html
from vae_jax.report.numbers import headlines

HOSTILE = "<script>alert('x')</script><img src=http://evil.example/x>\" onload=\"x"
PICTURE = Picture(png_bytes(image_grid([[[0.0, 1.0]]], num_columns=1)), "Samples", "Look here.")
FULL = {
    "title": "vae_2d",
    "summary": "Two latent dimensions.",
    "config": {"learning_rate": 0.001, "hidden_sizes": [500, 300], "ema": None, "num_steps": 20_000},
    "data": {"name": "mnist_5k", "description": "Digits.", "num_examples": {"train": 4000}, "example_shape": [28, 28]},
    "evaluation": {
        "elbo": -103.416, "log_likelihood": -78.2, "kl": 25.216, "nll": 99.871, "nll_standard_error": 0.437,
        "num_samples": 5000, "bits_per_dim": 0.18378, "active_units": 17, "latent_size": 20, "squared_error": 31.25,
        "split": "test", "selection": "best validation bound", "binarisation": "dynamic", "notes": ["Mind the split."],
        "effective_sample_size": 41.5, "elbo_standard_error": 0.82, "checkpoint_step": 1900, "transform": "scaled",
        "kl_per_dimension": [3.0, 0.0],
    },
    "environment": {"jax": "0.10.2", "device": "cpu"},
    "metrics": [
        {"step": 1, "split": "train", "value": -200.0, "log_likelihood": -190.0, "kl": 10.0},
        {"step": 2, "split": "validation", "value": -150.0, "log_likelihood": -140.0, "kl": 10.0},
    ],
    "pictures": [PICTURE, PICTURE._replace(title="Reconstructions", dark_png=PICTURE.png)],
    "command": "vae-jax train vae_2d --latent-size 2",
    "measures": {"principal_angle": 0.00321},
}  # fmt: skip


def text(html):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", re.sub(r"<style>.*?</style>", "", html, flags=re.DOTALL)))


@pytest.fixture(scope="module")
def page():
    return report_html(**FULL)


def test_the_page_says_every_number(page):
    shown = text(page)
    for expected in [
        "vae_2d", "Two latent dimensions.", "−103.42", "−78.20", "25.22", "99.87", "± 0.44 nats", "5,000 samples",
        "0.184", "17 of 20", "31.25", "test", "best validation bound", "dynamic", "Mind the split.", "41.5", "0.00321",
        "± 0.82 nats", "Of step 1,900", "scaled",
        "0.001", "500, 300", "20000", "mnist_5k", "Digits.", "train 4,000", "28, 28", "0.10.2", "cpu",
        "vae-jax train vae_2d --latent-size 2", "Look here.", "Reconstructions",
    ]:  # fmt: skip
        assert expected in shown, expected


def test_the_page_is_the_same_bytes_for_the_same_run(page):
    assert report_html(**FULL) == page


def test_the_page_needs_no_network_and_no_script(page):
    sources = re.findall(r"""(?:src|srcset|href|action|url)\s*[=(]\s*["']?([^"'\s>)]+)""", page)
    assert len(sources) >= 6
    assert all(source.startswith("data:image/png;base64,") for source in sources)
    for never in ("http://", "https://", "<script", "<link", "@import", "<iframe"):
        assert never not in page
    assert "prefers-color-scheme: dark" in page
    assert 'name="viewport"' in page


def test_hostile_text_is_shown_and_not_run():
    page = report_html(
        title=HOSTILE, summary=HOSTILE, command=HOSTILE,
        config={HOSTILE: HOSTILE, "nested": [HOSTILE]}, data={"name": HOSTILE, "num_examples": {HOSTILE: 1}},
        evaluation={"split": HOSTILE, "notes": HOSTILE, "latent_size": HOSTILE, "active_units": 1, HOSTILE: 1.0},
        environment={HOSTILE: HOSTILE}, metrics=[], pictures=[PICTURE._replace(title=HOSTILE, caption=HOSTILE)] * 2,
        measures={HOSTILE: 1.0},
    )  # fmt: skip
    assert "<script" not in page
    assert "<img src=http" not in page
    assert '" onload' not in page
    assert page.count("&lt;script&gt;") > 10


@pytest.mark.parametrize("key", list(FULL["evaluation"]))
@pytest.mark.parametrize("how", ["absent", "none"])
def test_any_number_may_be_missing(key, how):
    rest = {name: value for name, value in FULL["evaluation"].items() if name != key}
    evaluation = rest if how == "absent" else {**rest, key: None}
    names = {headline.name for headline in headlines(evaluation)}
    assert len(names) >= 6
    if key in ("nll", "num_samples", "latent_size", "kl_per_dimension"):  # those that change the page elsewhere too
        assert "None" not in text(report_html(**{**FULL, "evaluation": evaluation}))


def test_an_autoencoder_without_a_bound_has_its_page():
    metrics = [
        {"step": step, "split": split, "value": -float(step), "log_likelihood": -float(step)}
        for step in (1, 2)
        for split in ("train", "validation")
    ]
    page = report_html(**{**FULL, "evaluation": {"squared_error": 12.5, "split": "test"}, "metrics": metrics})
    shown = text(page)
    assert "12.5" in shown
    assert "ELBO" not in shown
    assert "KL" not in shown
    # Two pictures, one of them also for a dark page, and one curve on both grounds: not the same curve twice.
    assert page.count("data:image/png") == 3 + 2


def test_a_run_of_which_nothing_is_known_yet_has_its_page():
    page = report_html(
        title="new",
        summary="",
        config={},
        data={},
        evaluation=None,
        environment={},
        metrics=[],
        pictures=[],
        command="x",
    )
    assert "Not evaluated yet." in page
    assert "How it learned" not in page


def test_the_bars_fall_back_to_the_validation_of_the_kept_step():
    with_kl = [{**FULL["metrics"][1], "kl_per_dimension": [1.0, 2.0], "active_units": 2}]
    without = report_html(**{**FULL, "evaluation": None})
    assert (
        report_html(**{**FULL, "evaluation": None, "metrics": with_kl}).count("<figure") == without.count("<figure") + 1
    )


@pytest.mark.parametrize(("num", "has_rows"), [(2, True), (30, False)])
def test_the_groups_of_a_hierarchy_have_a_plot_and_few_of_them_rows(num, has_rows):
    groups = {f"z{number:02}": 1.5 for number in range(num)}
    of = lambda found: report_html(**(FULL | {"evaluation": FULL["evaluation"] | found}))
    page, without = of({"kl_per_group": groups}), of({})
    assert page.count("<figure") == without.count("<figure") + 1
    assert "KL of each group" in page
    assert "KL of each group" not in without
    assert ("KL of group z01" in page) == has_rows

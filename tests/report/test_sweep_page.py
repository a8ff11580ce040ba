"""The page of a sweep: each section where it says something, one file, the same bytes, nothing injected."""

import re
from html.parser import HTMLParser

import made_up_sweep as made_up
import pytest

from vae_jax.grids import png_bytes
from vae_jax.report import Picture, image_grid
from vae_jax.report.sweep import sweep_report_html

PNG = png_bytes(image_grid([[[0.0, 1.0]]], num_columns=1))
HOSTILE = "$\\frac{$<script>alert('x')</script><img src=http://evil.example/x>\" onload=\"x"
SECTIONS = {
    "ranking": "Which was best",
    "trade-offs": "What is traded for what",
    "fields": "What each field does",
    "parallel": "All fields at once",
    "samples": "What the best ones generate",
    "swept": "What was swept",
    "search": "How it was searched",
    "reproduce": "How to reproduce it",
}


def page_of(records, swept, **rest):
    given = {
        "title": "vae", "summary": "A sweep.", "metric": "nll", "samples": {}, "command": "vae-jax sweep vae",
        "environment": {"jax": "0.10.2"}, "search": None,
    }  # fmt: skip
    return sweep_report_html(**{**given, "records": records, "swept": swept, **rest})


class Structure(HTMLParser):
    """Headings, pictures, links and the cells of the ranking."""

    def __init__(self, page):
        super().__init__()
        self.headings, self.pictures, self.links, self.rows, self.open = [], [], [], [], []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if tag not in ("meta", "img", "source", "line", "circle"):
            self.open.append((tag, attributes.get("class") or ""))
        if tag == "h2":
            self.headings.append("")
        if tag == "img":
            self.pictures.append(attributes["alt"])
        if tag == "a":
            self.links.append(attributes["href"])
        if tag == "tr" and ("table", "ranking") in self.open:
            self.rows.append({})

    def handle_endtag(self, tag):
        if tag not in ("line", "circle"):
            assert self.open.pop()[0] == tag

    def handle_data(self, data):
        if self.open and self.open[-1][0] == "h2":
            self.headings[-1] += data
        cell = next((kind for tag, kind in reversed(self.open) if tag == "td"), None)
        if cell is not None and self.rows and ("table", "ranking") in self.open:
            self.rows[-1][cell] = self.rows[-1].get(cell, "") + data


def sections(page):
    return [name for heading in Structure(page).headings for name, words in SECTIONS.items() if words == heading]


def text(page):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", re.sub(r"<style>.*?</style>", "", page, flags=re.DOTALL)))


@pytest.fixture(scope="module")
def full():
    """Everything that a page can hold."""
    records = made_up.grid(2, states={5: "stopped", 9: "diverged"})
    search = {"sampler": "grid", "trials": 32, "objectives": ("nll", "kl"), "storage": None, "seed": 0}
    samples = {"0004": PNG, "0005": Picture(PNG, "Samples", "Draws."), "0012": PNG}
    return page_of(records, ["beta", "learning_rate", "seed"], search=search, samples=samples)


def test_every_section_is_there_the_plane_first(full):
    assert sections(full) == list(SECTIONS)
    assert Structure(full).pictures[:3] == ["All lanes", "The rate-distortion plane", "The Pareto front"]


def test_the_page_says_the_best_and_the_counts(full):
    shown = text(full)
    for expected in [
        "Sweep report", "A sweep.", "beta 1, learning rate 0.001", "Lower is better", "16 settings", "30 of 32",
        "1 stopped", "1 diverged", "Noise of seeds", "0.0001 · 0.0003 · 0.001 · 0.003", "−log p(x), KL",
        "vae-jax sweep vae", "0.10.2", "arXiv:1711.00464", "mean absolute error",
    ]:  # fmt: skip
        assert expected in shown, expected


def test_the_ranking_has_a_row_for_each_setting_the_best_first(full):
    rows = [row for row in Structure(full).rows if row]
    values = [float(row["number value"]) for row in rows]
    assert len(rows) == 16
    assert values == sorted(values)
    assert set(rows[0]["lanes"].split()) == {"0004", "0005", "1", "stopped"}


def test_links_are_relative_and_lead_to_lanes_that_have_a_report(full):
    links = Structure(full).links
    assert len(links) == 30
    assert set(links) == {f"lanes/{i:04d}/report.html" for i in range(32) if i not in (5, 9)}
    only = page_of(made_up.four(), ["beta"], reports={"0002"})
    assert Structure(only).links == ["lanes/0002/report.html"]


def test_samples_come_in_the_order_of_the_ranking(full):
    assert [title for title in Structure(full).pictures if title.startswith("Lane")] == [
        "Lane 0004",
        "Lane 0005",
        "Lane 0012",
    ]
    assert "beta 1, learning rate 0.001, seed 0: −log p(x)" in text(full)


def test_the_page_is_the_same_bytes_for_the_same_sweep():
    swept = ["beta", "learning_rate"]
    assert page_of(made_up.grid(1), swept) == page_of(made_up.grid(1), swept)


def test_the_page_needs_no_network_and_no_script(full):
    sources = re.findall(r"""(?:src|srcset|action|url)\s*[=(]\s*["']?([^"'\s>)]+)""", full)
    assert len(sources) >= 12
    assert all(source.startswith("data:image/png;base64,") for source in sources)
    for never in ("http://", "https://", "<script", "<link", "@import", "<iframe"):
        assert never not in full
    assert "prefers-color-scheme: dark" in full
    assert "@media print" in full


def test_one_lane_has_a_page_without_comparisons():
    page = page_of(made_up.one(), [])
    assert sections(page) == ["reproduce"]
    assert Structure(page).headings[0] == "What it reached"
    assert Structure(page).pictures == ["The lane"]


def test_seeds_alone_have_no_fields():
    page = page_of(made_up.sweep({"seed": (0, 1, 2)}), ["seed"])
    assert sections(page) == ["swept", "reproduce"]
    assert "Noise of seeds" in text(page)


def test_one_field_has_no_parallel_coordinates_and_few_lanes_no_importance():
    page = page_of(made_up.four(), ["beta"])
    assert sections(page) == ["ranking", "trade-offs", "fields", "swept", "reproduce"]
    assert Structure(page).pictures == ["All lanes", "The rate-distortion plane", "−log p(x) by beta"]
    assert "Noise of seeds" not in text(page)


def test_where_the_kl_does_not_differ_there_is_no_plane():
    page = page_of(made_up.named(), ["activation", "hidden_sizes", "seed"])
    assert sections(page) == ["ranking", "fields", "parallel", "swept", "reproduce"]
    shown = text(page)
    for expected in ("512, 256", "1 diverged", "1 running", "1 waiting", "— "):
        assert expected in shown, expected


def test_where_beta_was_not_swept_the_plane_comes_later():
    records = [
        item._replace(fields={"weight" if name == "beta" else name: value for name, value in item.fields.items()})
        for item in made_up.grid(1)
    ]
    page = page_of(records, ["weight", "learning_rate"])
    assert sections(page) == ["ranking", "fields", "parallel", "trade-offs", "swept", "reproduce"]
    assert "Beta is the price" not in page


def test_many_rows_are_folded():
    page = page_of(made_up.search(60), ["beta", "learning_rate", "dropout"])
    rows = [row for row in Structure(page).rows if row]
    assert len(rows) == 60
    assert [row["number rank"] for row in rows] == [str(i + 1) for i in range(60)]
    assert "The other 44" in page
    assert "Importance of each field" in page


def test_many_seeds_are_folded():
    page = page_of(made_up.sweep({"beta": (1.0, 2.0), "seed": tuple(range(12))}), ["beta", "seed"])
    assert page.count("4 more") == 2
    assert len(Structure(page).links) == 24


@pytest.mark.parametrize(
    "records",
    [
        [],
        [made_up.record("a", {"beta": beta}, state="waiting") for beta in (1.0, 2.0)],
        [made_up.record("a", {"beta": beta}, state="diverged") for beta in (1.0, 2.0)],
        [made_up.record("a", {"beta": beta}, state="running") for beta in (1.0, 2.0)],
        [item._replace(metrics=[]) for item in made_up.four()],
    ],
)
def test_a_sweep_of_which_little_is_known_has_its_page(records):
    page = page_of(records, ["beta", "seed"])
    assert "How to reproduce it" in page
    assert "None" not in text(page)
    assert "nan" not in text(page)


def test_hostile_text_is_shown_and_not_run():
    fields = [{HOSTILE: HOSTILE * number, "seed": seed} for number in (1, 2) for seed in (0, 1)]
    records = [
        made_up.record(HOSTILE + str(i), {}, state=HOSTILE if i == 3 else "finished")._replace(fields=each)
        for i, each in enumerate(fields)
    ]
    page = page_of(
        records, [HOSTILE, "seed"], title=HOSTILE, summary=HOSTILE, command=HOSTILE, environment={HOSTILE: HOSTILE},
        samples={HOSTILE + "0": Picture(PNG, HOSTILE, HOSTILE)}, search={"sampler": HOSTILE, "objectives": (HOSTILE,)},
    )  # fmt: skip
    assert "<script" not in page
    assert "<img src=http" not in page
    assert '" onload' not in page
    assert page.count("&lt;script&gt;") > 10

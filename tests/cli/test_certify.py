"""`evaluate --certify`: a file, lines, and a section of the page."""

import json

import pytest

from vae_jax.cli.diagnose import print_findings
from vae_jax.cli.evaluate import print_certificate
from vae_jax.doctor.finding import Finding

SMALL = ("--certify", "--num-examples", 8, "--num-samples", 40, "--annealing.chains", 2, "--annealing.temperatures", 6)


def test_a_certificate_is_written_said_and_shown(vae_jax, run, capsys):
    found = json.loads(vae_jax("evaluate", run, *SMALL, "--json").out)
    assert found == json.loads((run / "certificate.json").read_text("utf-8"))
    print_certificate(found)
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == ["digits, test split, log p(x) in nats per example", "8 of the 176 examples of the split:"]
    assert any("annealed importance sampling: 2 chains, 6 temperatures" in line for line in lines)
    page = (run / "report.html").read_text("utf-8")
    assert "How far the likelihood can be trusted" in page
    assert vae_jax("report", run).code == 0
    assert (run / "report.html").read_text("utf-8") == page


def test_a_fitted_proposal_has_a_file_of_its_own(vae_jax, run):
    options = ("--split", "validation", "--num-samples", 30, "--proposal", "fitted", "--json")
    said = json.loads(vae_jax("evaluate", run, *options).out)
    assert said == json.loads((run / "evaluation-validation-30-fitted.json").read_text("utf-8"))
    assert said["proposal"] == "fitted"
    assert 0 <= said["share_of_heavy_tails"] <= 1


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("--num-examples", 9), "expected --certify with --num-examples and --annealing; give it, or leave them out"),
        (("--annealing.chains", 3), "expected --certify with --num-examples"),
        (("--certify", "--annealing.chains", 1), "expected chains of at least 2; got 1"),
        (("--certify", "--num-samples", 24), "expected at least 25 importance samples to certify"),
        (("--certify", "--num-examples", 0), "expected --num-examples of at least 1; got 0"),
        (("--certify", "--num-examples", 3), "expected at least 8 examples to certify"),
        (("--certify", "--split", "vali"), "expected a split of digits"),
    ],
)
def test_a_mistake_is_a_line(refusal, run, words, line):
    assert refusal("evaluate", run, *words).startswith(line)
    assert not (run / "certificate.json").exists()


def test_a_run_is_diagnosed(vae_jax, trained, capsys):
    result = vae_jax("diagnose", trained, "--json")
    assert result.code == 0
    found = [Finding(**finding) for finding in json.loads(result.out)]
    for findings in (found, [], [Finding("collapse", "fault", "0 of 4", "warm up")]):
        print_findings(findings)
        said = capsys.readouterr().out
        for finding in findings:
            assert f"{finding.level}: {finding.name}\n  {finding.evidence}\n  {finding.remedy}\n" in said
        assert ("no faults were found" in said) == all(finding.level == "hint" for finding in findings)

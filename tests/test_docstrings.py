"""Docstrings name what they describe."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FRAGMENT = re.compile(r"(What|Of|How|Who|Which|Where|As|Likewise)\b")


def docstrings(path):
    """(line, text) of all strings that stand alone, those below the fields of a class among them."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        body = getattr(node, "body", None)
        for statement in body if isinstance(body, list) else []:
            match statement:
                case ast.Expr(value=ast.Constant(value=str(text))):
                    yield statement.lineno, text.strip()


@pytest.mark.parametrize("folder", ["vae_jax", "experiments"])
def test_none_begins_in_the_middle_of_a_sentence(folder):
    """Help that reads "Of Adam." below a learning rate, or "How many." below a count, leaves a reader to guess."""
    fragments = [
        f"{path.relative_to(ROOT)}:{line}: {text.partition(chr(10))[0]}"
        for path in sorted((ROOT / folder).rglob("*.py"))
        for line, text in docstrings(path)
        if FRAGMENT.match(text)
    ]
    assert not fragments, "\n".join(fragments)

"""Effective lines of code: those left without blank lines, comments and docstrings.

python scripts/count_lines.py vae_jax/objectives/bounds/elbo.py
python scripts/count_lines.py vae_jax/objectives/bounds/iwae.py:iwae   of its definitions that one, and the imports
"""

import ast
import sys
import tokenize
from io import StringIO
from pathlib import Path

NO_CODE = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}


def num_lines(source: str, names: set[str]) -> int:
    """How many lines hold code; with names, outside of the functions and classes at the top that have others."""
    tree = ast.parse(source)
    tokens = [token for token in tokenize.generate_tokens(StringIO(source).readline) if token.type not in NO_CODE]
    lines = {line for token in tokens for line in range(token.start[0], token.end[0] + 1)}
    definitions = [node for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)]
    others = [node for node in definitions if names and node.name not in names]
    texts = [node for node in ast.walk(tree) if isinstance(node, ast.Expr) and _is_text(node.value)]
    decorators = [decorator for node in others for decorator in node.decorator_list]
    for node in [*others, *decorators, *texts]:
        lines -= set(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    return len(lines)


def _is_text(value: ast.expr) -> bool:
    return isinstance(value, ast.Constant) and isinstance(value.value, str)


if __name__ == "__main__":
    total = 0
    for argument in sys.argv[1:]:
        path, _, chosen = argument.partition(":")
        total += (num := num_lines(Path(path).read_text("utf-8"), set(chosen.split(",")) - {""}))
        print(f"{num:5}  {argument}")
    print(f"{total:5}  together")

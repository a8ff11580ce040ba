"""Effective lines of code: those left without blank lines, comments and docstrings.

python scripts/count_lines.py vae_jax/objectives/elbo.py
python scripts/count_lines.py vae_jax/objectives/iwae.py:iwae     of its definitions that one only, and the imports
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
    for node in ast.walk(tree):
        is_text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and type(node.value.value) is str
        is_definition = isinstance(node, ast.FunctionDef | ast.ClassDef) and node in tree.body
        if is_text or (names and is_definition and node.name not in names):
            first = min(part.lineno for part in [node, *getattr(node, "decorator_list", [])])
            lines -= set(range(first, node.end_lineno + 1))
    return len(lines)


if __name__ == "__main__":
    total = 0
    for argument in sys.argv[1:]:
        path, _, names = argument.partition(":")
        total += (num := num_lines(Path(path).read_text("utf-8"), set(names.split(",")) - {""}))
        print(f"{num:5}  {argument}")
    print(f"{total:5}  together")

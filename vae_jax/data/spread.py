"""Some examples that stand for all."""

from __future__ import annotations

import numpy as np


def spread(num_examples: int, num: int) -> np.ndarray:
    """Indices of `num` examples, or of all, of which the first few are spread evenly: data are often sorted by class.

    Multiples of the golden ratio, modulo one, fill the unit interval evenly from the first few on.
    """
    golden = (np.sqrt(5) - 1) / 2
    return np.argsort(np.arange(num_examples) * golden % 1, kind="stable")[:num]

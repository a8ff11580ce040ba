"""Speed and quality, side by side in one run on one machine.

    python scripts/benchmark.py                          every section that takes minutes
    python scripts/benchmark.py bounds                   objectives, posteriors and priors: an hour and more
    python scripts/benchmark.py collapse                 latent units that die, and what keeps them: half an hour
    python scripts/benchmark.py codes                    codes beside vector-quantize-pytorch: an hour and more
    python scripts/benchmark.py hierarchies              deep hierarchies by their number of groups: minutes
    python scripts/benchmark.py sweep                    lanes against single runs: half an hour
    python scripts/benchmark.py search                   a search that stops bad trials against a random one: an hour
    python scripts/benchmark.py train likelihood         some of them
    python scripts/benchmark.py --quick                  a few minutes, for trying the script; its numbers mean little
    python scripts/benchmark.py --json results.json      the tables as JSON, too

The sides of a table take turns, so that whatever else the machine does meets all of them, and ratios are of medians.
PyTorch and pythae take part where they are installed (`pip install torch pythae`). Real MNIST is read from the folder
--data where that exists; without it the images are random bytes, and the section on quality is left out.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable, Iterable
from pathlib import Path

# The sections measure compilation, too, so what an earlier run has compiled must not be found.
os.environ["JAX_ENABLE_COMPILATION_CACHE"] = "false"

from benchmarks import (
    bounds,
    codes,
    collapse,
    conv,
    depth,
    feed,
    hierarchies,
    likelihood,
    quality,
    search,
    startup,
    sweep,
    train,
)
from benchmarks.settings import Settings
from benchmarks.tables import Table, as_json, as_text, environment_table

SECTIONS: dict[str, Callable[[Settings], Iterable[Table]]] = {
    "startup": startup.tables,
    "train": train.tables,
    "conv": conv.tables,
    "depth": depth.tables,
    "hierarchies": hierarchies.tables,
    "feed": feed.tables,
    "likelihood": likelihood.tables,
    "quality": quality.tables,
    "bounds": bounds.tables,
    "collapse": collapse.tables,
    "codes": codes.tables,
    "sweep": sweep.tables,
    "search": search.tables,
}
LONG = ("bounds", "collapse", "codes", "sweep", "search")


def main() -> None:
    """Run the sections that were asked for, and print their tables as they come."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "sections", nargs="*", help=f"out of {', '.join(SECTIONS)}; by default all but {', '.join(LONG)}"
    )
    parser.add_argument("--quick", action="store_true", help="less of everything")
    parser.add_argument("--rounds", type=int, default=7, help="turns that each side of a table takes (default 7)")
    parser.add_argument("--data", type=Path, default=_default_data(), help="the folder with MNIST")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the tables there, too")
    arguments = parser.parse_args()
    if unknown := [name for name in arguments.sections if name not in SECTIONS]:
        parser.error(f"expected sections out of {', '.join(SECTIONS)}; got '{unknown[0]}'")
    settings = Settings(arguments.data, arguments.quick, 2 if arguments.quick else arguments.rounds)

    tables = [environment_table()]
    print(as_text(tables[0]), flush=True)
    for name in arguments.sections or [name for name in SECTIONS if name not in LONG]:
        began = time.perf_counter()
        for table in SECTIONS[name](settings):
            tables.append(table)
            print("\n" + as_text(table), flush=True)
        print(f"({name}: {time.perf_counter() - began:.0f} s)", flush=True)
    if arguments.json:
        arguments.json.write_text(json.dumps([as_json(table) for table in tables], indent=2) + "\n")


def _default_data() -> Path:
    return Path(__file__).resolve().parents[1].parent / "shared" / "data"


if __name__ == "__main__":
    main()

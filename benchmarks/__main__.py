"""`make bench`: every measurement of this folder. `python -m benchmarks drift small` for a part."""

from __future__ import annotations

import argparse

from benchmarks import commands, drift, kubernetes, many, passes, push, quick
from benchmarks.server import VERSION
from benchmarks.workload import SIZES


def main() -> None:
    """Print, and assert nothing: a busy machine tells only ratios."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parts = ["commands", "drift", "kubernetes", "many", "passes", "push", "quick"]
    parser.add_argument("what", nargs="?", default="drift", choices=parts)
    parser.add_argument("sizes", nargs="*", default=[], help=f"of {', '.join(SIZES)}")
    parser.add_argument("--count", type=int, default=200, help="repetitions of each")
    parser.add_argument("--pg", type=int, default=VERSION, help="major version of PostgreSQL")
    arguments = parser.parse_args()
    sizes, count = tuple(arguments.sizes), arguments.count
    match arguments.what:
        case "commands":
            commands.main(sizes or ("medium", "large"), min(count, 5), arguments.pg)
        case "kubernetes":
            kubernetes.main(min(count, 60))
        case "many":
            many.main()
        case "passes":
            passes.main(sizes or ("small", "wide"), min(count, 30), arguments.pg)
        case "push":
            push.main(count)
        case "quick":
            quick.main(arguments.pg)
        case _:
            drift.main(sizes or ("small", "wide"), count, arguments.pg)


if __name__ == "__main__":
    main()

"""`make bench`: every measurement of this folder. `python -m benchmarks drift small` for a part."""

from __future__ import annotations

import argparse

from benchmarks import drift, kubernetes, many, passes, push


def main() -> None:
    """Print, and assert nothing: a busy machine tells only ratios."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parts = ["drift", "kubernetes", "many", "passes", "push"]
    parser.add_argument("what", nargs="?", default="drift", choices=parts)
    parser.add_argument("sizes", nargs="*", default=[], help=f"of {', '.join(drift.SIZES)}")
    parser.add_argument("--count", type=int, default=200, help="repetitions of each")
    arguments = parser.parse_args()
    if arguments.what == "kubernetes":
        kubernetes.main(min(arguments.count, 60))
        return
    if arguments.what == "many":
        many.main()
        return
    if arguments.what == "passes":
        passes.main(tuple(arguments.sizes) or tuple(drift.SIZES), min(arguments.count, 30))
        return
    if arguments.what == "push":
        push.main(arguments.count)
        return
    drift.main(tuple(arguments.sizes) or tuple(drift.SIZES), arguments.count)


if __name__ == "__main__":
    main()

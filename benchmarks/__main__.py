"""`python -m benchmarks [name ...] [--json]`. Exit status 1 where a bound is exceeded."""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict
from importlib import import_module

from .measure import Row

HOMES = {
    "plain": ("plain", "rows"),
    "stream": ("stream", "rows"),
    "hop": ("hop", "rows"),
    "wall": ("hop", "wall_rows"),
    "imports": ("imports", "rows"),
    "metering": ("metering", "rows"),
    "senders": ("senders", "rows"),
    "translation": ("translation", "rows"),
    "rescue": ("rescue", "rows"),
}
NAME_WIDTH, WIDTHS = 66, (12, 12, 8, 16, 7, 6)


def main() -> int:
    """Run what is named, or all."""
    parser = argparse.ArgumentParser(prog="./dev bench", description="What spaturzu costs.")
    parser.add_argument("names", nargs="*", metavar="name", help=f"of {', '.join(HOMES)}; all without one")
    parser.add_argument("--json", action="store_true", help="one JSON object a line instead of the table")
    given = parser.parse_args()
    if unknown := set(given.names) - HOMES.keys():
        parser.error(f"no benchmark {', '.join(sorted(unknown))}; there are {', '.join(HOMES)}")
    show = _as_json if given.json else _as_line
    if not given.json:
        print(_line("", "ours", "opponent", "ratio", "quartiles", "bound", ""))
    place = tempfile.mkdtemp(prefix="spaturzu-bench-")
    os.environ.setdefault("SPATURZU_DB", f"{place}/ledger.sqlite3")  # not the developer's own
    all_ok = True
    for name in given.names or HOMES:
        for row in _rows(name):
            print(show(row), flush=True)
            all_ok &= row.ok
    return 0 if all_ok else 1


def _rows(name: str) -> Iterator[Row]:
    """Its module is imported here: each brings SDKs that the others should not pay for."""
    module, function = HOMES[name]
    made: Callable[[], Iterator[Row]] = getattr(import_module(f"{__package__}.{module}"), function)
    return made()


def _as_json(row: Row) -> str:
    return json.dumps({**asdict(row), "ok": row.ok})


def _as_line(row: Row) -> str:
    return _line(
        row.name,
        f"{row.ours:,.1f} {row.unit}",
        "" if row.opponent is None else f"{row.opponent:,.1f} {row.unit}",
        "" if row.ratio is None else f"{row.ratio:.3f}",
        f"{row.low:.3f}-{row.high:.3f}",
        "" if row.bound is None else f"{row.bound:g}",
        "" if row.bound is None else "ok" if row.ok else "over",
    )


def _line(*cells: str) -> str:
    name, *numbers = cells
    return (name.ljust(NAME_WIDTH) + "".join(map(str.rjust, numbers, WIDTHS))).rstrip()


if __name__ == "__main__":
    raise SystemExit(main())

"""The command line, `spaturzu` or `python -m spaturzu.cli`. Needs the `cli` extra, and says so where it is missing."""

from __future__ import annotations

import sys
from importlib.util import find_spec


def main() -> None:
    """The console script."""
    missing = [name for name in ("click", "rich") if find_spec(name) is None]
    if missing:
        sys.stderr.write(f"spaturzu: the command line needs {' and '.join(missing)}: pip install 'spaturzu[cli]'\n")
        raise SystemExit(2)
    from .commands import cli

    cli(prog_name="spaturzu")

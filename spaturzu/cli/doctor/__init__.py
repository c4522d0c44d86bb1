"""`spaturzu doctor`: is everything here that spaturzu needs, and does it work?"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from .findings import Finding
from .installed import extras, http_libraries, python, sdks
from .services import clock, gateway, prices, telemetry, tokenizer
from .stored import ledger

__all__ = ["Finding", "examine"]


def examine(db: Path | None) -> Iterator[Finding]:
    """Every finding, in the order in which they are shown. Nothing is changed, and no secret is said."""
    checks: tuple[Callable[[], Iterator[Finding]], ...] = (
        *(python, sdks, http_libraries, extras, lambda: ledger(db)),
        *(gateway, clock, prices, tokenizer, telemetry),
    )
    for check in checks:
        yield from check()

"""What became of the records so far, and how trouble with them is told."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

OnError: TypeAlias = Callable[[Exception, Mapping[str, Any]], object]
"""Called from a background thread with what went wrong, and the entry as the gateway would have had it."""


@dataclass(slots=True, kw_only=True)
class Stats:
    """Counts since the start of this process, but for the last two, which are of now.

    Every record that was `queued` is `recorded` (in the embedded ledger), `sent`, `failed` (refused by the gateway for
    good) or `dropped` (there was no room for it), or it still waits.
    """

    queued: int = 0
    recorded: int = 0
    sent: int = 0
    failed: int = 0
    dropped: int = 0
    adopted: int = 0
    """Left behind by processes that died, and taken over by this one."""
    unjournaled: int = 0
    """Not on disk when their calls returned: a kill of the process would have lost them."""
    estimated: int = 0
    """Their usage is an estimate."""
    unmetered: int = 0
    """Calls that were passed through without being understood."""
    callback_errors: int = 0
    """`on_error` itself raised."""
    waiting: int = 0
    """In memory."""
    spooled: int = 0
    """In the spool file, for the gateway."""


@dataclass(slots=True)
class Trouble:
    """Where what goes wrong is counted and told."""

    on_error: OnError | None = None
    stats: Stats = field(default_factory=Stats)

    def tell(self, exc: Exception, entry: Mapping[str, Any]) -> None:
        """`on_error`, whose own exceptions are counted and go no further."""
        if self.on_error is None:
            return
        try:
            self.on_error(exc, entry)
        except Exception:  # noqa: BLE001 - the caller's code, in our thread
            self.stats.callback_errors += 1

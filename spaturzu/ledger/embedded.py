"""Without a gateway: records go into the ledger's own file."""

from __future__ import annotations

from collections.abc import Sequence

from .record import Record
from .stats import Stats
from .store import Store


class Embedded:
    """The sink that is the embedded ledger."""

    def __init__(self, store: Store, stats: Stats) -> None:
        self._store, self._stats = store, stats

    def take(self, records: Sequence[Record]) -> None:
        """Store them; an id that is known is left as it is."""
        self._store.insert(records)
        self._stats.recorded += len(records)

    def flush(self, timeout_s: float | None) -> bool:
        """What is stored has arrived."""
        return True

    def spooled(self) -> int:
        """None: what is stored has arrived."""
        return 0

    def close(self, timeout_s: float) -> bool:
        """Let go of the file."""
        self._store.close()
        return True

    def forked(self) -> None:
        """The store sees to itself."""

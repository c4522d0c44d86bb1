"""With a gateway: records go into the spool, and from there to it. What it has acknowledged leaves the spool."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from contextlib import suppress

from spaturzu.errors import LedgerError

from .address import Address
from .record import Record
from .sender import BATCH, Sender
from .stats import Trouble
from .store import Store

PATIENCE_S = 0.3
"""How long the gateway's next answer is waited for while records are not in the spool; the journal has them."""
_LAST = "SELECT coalesce(max(seq), 0) FROM spool WHERE destination = ?"
_LEFT = "SELECT count(*) FROM spool WHERE destination = ? AND seq <= ?"


class Gateway:
    """The sink that is a gateway."""

    def __init__(self, store: Store, address: Address, trouble: Trouble) -> None:
        self._store, self._address, self._trouble = store, address, trouble
        self._lock = threading.Lock()
        self._sender: Sender | None = None

    def take(self, records: Sequence[Record]) -> None:
        """Send them, or spool what the gateway does not take at once. Calls that nobody understood are not sent."""
        left = [record for record in records if record.operation != "unmetered"]
        if (sender := self._started()) is None:
            self._store.spool(left, self._address.name)
            return
        while left:
            refused = sender.offer(left[:BATCH], PATIENCE_S)
            left = left[BATCH:]
            if refused:
                self._store.spool([*refused, *left], self._address.name)
                sender.kick()
                return

    def _started(self) -> Sender | None:
        """None where no thread can begin: Python 3.12 refuses one at its end. Another process sends the spool then."""
        with self._lock:
            if self._sender is None:
                with suppress(RuntimeError):
                    self._sender = Sender(self._store, self._address, self._trouble)
            return self._sender

    def flush(self, timeout_s: float | None) -> bool:
        """Wait until the gateway has all that is spooled now. Without a timeout: or until its retries are used up."""
        return self._flushed(timeout_s, patient=True)

    def _flushed(self, timeout_s: float | None, *, patient: bool) -> bool:
        try:
            return self._flush(timeout_s, patient=patient)
        except LedgerError as error:
            self._trouble.tell(error, {})
            return False

    def _flush(self, timeout_s: float | None, *, patient: bool) -> bool:
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        ((last,),) = self._store.select(_LAST, (self._address.name,))
        if not self._left(last):
            return True
        if (sender := self._started()) is None:
            return False
        failures = sender.hurry()
        while self._left(last):
            remaining_s = 1.0 if deadline is None else deadline - time.monotonic()
            if remaining_s <= 0 or (deadline is None and sender.exhausted):
                return False
            if not patient and sender.failures > failures:
                return False
            sender.progress(min(remaining_s, 0.05))
        return True

    def _left(self, last: int) -> int:
        ((left,),) = self._store.select(_LEFT, (self._address.name, last))
        return left

    def spooled(self) -> int:
        """How many wait in the file."""
        try:
            return self._store.waiting(self._address.name)
        except LedgerError as error:
            self._trouble.tell(error, {})
            return 0

    def close(self, timeout_s: float) -> bool:
        """One more try, then let go."""
        started = time.monotonic()
        flushed = self._flushed(timeout_s, patient=False)
        with self._lock:
            sender, self._sender = self._sender, None
        if sender is not None:
            sender.close(max(0.05, timeout_s - (time.monotonic() - started)))
        self._store.close()
        return flushed

    def forked(self) -> None:
        """The thread and its connections are the parent's."""
        self._lock = threading.Lock()
        if self._sender is not None:
            _OF_PARENTS.append(self._sender)
            self._sender = None


_OF_PARENTS: list[Sender] = []
"""Kept, not collected: to close an event loop would take the parent's sockets off the selector that both share."""

"""The one way of records into the store: from the calls, over the journal, by one thread, in groups.

A call appends to a list and to a file. All else happens in the thread, which starts with the first record: usage is
read, priced, and stored. Fork-safe: a child has a journal and a thread of its own, and leaves the parent's records to
it.
"""

from __future__ import annotations

import atexit
import os
import sys
import threading
import time
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain, islice
from pathlib import Path
from typing import Any, Protocol

from spaturzu.courtesy import Courtesy
from spaturzu.errors import LedgerError

from .journal import Draft, Page, new_pages, orphans
from .record import Record
from .stats import Stats, Trouble
from .wire import entry

GATHER_S = 0.1
"""How long the thread lets records gather before it stores them as one transaction. Until then the journal has them."""
RETRY_S = 1.0
GROUP = 500
"""Records that are made, and stored, at a time."""
SCAN_S = 60.0
"""How often a process looks for records of processes that died beside it."""
LIMIT = 10_000
"""Records that may wait in memory. What comes while so many do waits in the journal alone."""
EXIT_S = 1.5


class Sink(Protocol):
    """Where the thread puts records: the embedded ledger, or the spool for a gateway."""

    def take(self, records: Sequence[Record]) -> None:
        """Keep them for good. Raises LedgerError."""
        ...

    def flush(self, timeout_s: float | None) -> bool:
        """Wait until all have left; False where they have not."""
        ...

    def spooled(self) -> int:
        """How many are stored and have not left."""
        ...

    def close(self, timeout_s: float) -> bool:
        """One last try, then let go; later records start it anew. Whether all have left."""
        ...

    def forked(self) -> None:
        """In a child: forget the parent's threads and connections."""
        ...


class Recorder:
    """`put` from any thread or task. `complete` makes a record of a draft and of what `put` was given beside it."""

    def __init__(self, folder: Path, sink: Sink, complete: Callable[[Draft, Any], Record], trouble: Trouble) -> None:
        self._folder, self._sink, self._complete, self._trouble = folder, sink, complete, trouble
        self._queued, self._courtesy = 0, Courtesy()
        self._new_state()
        _LIVE.add(self)

    def _new_state(self) -> None:
        self._lock = threading.Lock()
        self._page: Page | None = None
        self._spare: Page | None = None
        self._thread: threading.Thread | None = None
        self._held, self._underway = list[Record](), 0
        self._idle = self._closing = False
        self._wake, self._hurry = threading.Event(), threading.Event()
        self._turned = threading.Condition()
        self._asked = self._answered = 0
        self._stored = True

    def put(self, draft: Draft, live: Any = None) -> None:
        """Take a record in. A few microseconds; raises nothing."""
        with self._lock:
            page = self._page or self._start()
            room, written = len(page.items) < LIMIT, page.write(draft)
            if room:
                page.items.append((draft, live))
            else:
                page.spilled += written
            asleep, self._idle = self._idle, False
        if asleep:
            self._wake.set()
        if not written:
            self._unwritten(draft, in_memory=room)

    def _unwritten(self, draft: Draft, *, in_memory: bool) -> None:
        stats = self._trouble.stats
        stats.unjournaled += 1
        if not in_memory:
            self._queued += 1
            stats.dropped += 1
            full = f"spaturzu: {LIMIT} records wait already and the disk takes none; this one is dropped"
            self._trouble.tell(LedgerError(full), draft)

    def settle(self, timeout_s: float | None) -> bool:
        """Wait until what was put before is stored. False where it is not."""
        with self._lock:
            if self._thread is None and not self._left_behind():
                return True
            if self._page is None:
                self._start()
        with self._turned:
            self._asked += 1
            ticket = self._asked
            self._hurry.set()
            self._wake.set()
            self._turned.wait_for(lambda: self._answered >= ticket, timeout_s)
            return self._answered >= ticket and self._stored

    def flush(self, timeout_s: float | None = None) -> bool:
        """Wait until everything has left, at most `timeout_s`; False where it has not."""
        started = time.monotonic()
        if not self.settle(timeout_s):
            return False
        if self._thread is None:
            return True
        return self._sink.flush(None if timeout_s is None else max(0.0, timeout_s - (time.monotonic() - started)))

    def shutdown(self) -> bool:
        """`flush`, then `close`; whether all have left."""
        flushed = self.flush(None)
        self.close()
        return flushed

    def close(self, timeout_s: float = EXIT_S) -> None:
        """Store what waits, give the gateway one more try, end the threads. What has not left stays on disk.

        Takes no longer than `timeout_s`. Later records start anew.
        """
        deadline = time.monotonic() + timeout_s
        thread = self._thread
        if thread is None:
            return
        self.settle(timeout_s)
        with self._lock:
            self._thread, self._closing = None, True
        self._wake.set()
        self._hurry.set()
        thread.join(max(0.05, deadline - time.monotonic()))
        atexit.unregister(self.close)
        self._sink.close(max(0.05, deadline - time.monotonic()))
        self._let_go(stored=not thread.is_alive())

    def _let_go(self, *, stored: bool) -> None:
        with self._lock:
            for page in (self._page, self._spare):
                if page is not None:
                    page.close(empty=stored and self._stored and not page.items)
        if stored:
            self._new_state()

    def stats(self) -> Stats:
        """The counts, with what waits now."""
        with self._lock:
            fresh = sum(len(page.items) + page.spilled for page in (self._page, self._spare) if page)
            waiting, queued = self._underway + fresh, self._queued + fresh
        return replace(self._trouble.stats, queued=queued, waiting=waiting, spooled=self._sink.spooled())

    def forked(self) -> None:
        """In a child after a fork."""
        pages = (self._page, self._spare)
        self._new_state()
        for page in pages:
            if page is not None:
                page.close()
        self._sink.forked()

    def _left_behind(self) -> bool:
        return self._folder.is_dir()

    def _start(self) -> Page:
        try:
            self._page, self._spare = new_pages(self._folder)
        except OSError as error:
            self._page, self._spare = Page(), Page()
            self._trouble.tell(error, {})
        self._thread = threading.Thread(target=self._run, name="spaturzu-recorder", daemon=True)
        self._thread.start()
        _at_exit(self.close)
        return self._page

    def _run(self) -> None:
        self._adopt()
        self._hurry.wait(GATHER_S)
        self._turn_over()
        scanned = time.monotonic()
        while not self._closing:
            with self._lock:
                self._idle = self._page is not None and not self._page.items
            if self._idle or self._held:
                self._wake.wait(RETRY_S if self._held else SCAN_S)
            self._hurry.wait(GATHER_S)
            self._turn_over()
            if time.monotonic() - scanned > SCAN_S:
                scanned = time.monotonic()
                self._adopt()

    def _turn_over(self) -> None:
        self._wake.clear()
        self._hurry.clear()
        with self._turned:
            asked = self._asked
        try:
            self._stored = self._store()
        except OSError as error:  # of the journal: it lost its disk
            self._stored = False
            self._trouble.tell(error, {})
        with self._turned:
            self._answered = asked
            self._turned.notify_all()

    def _store(self) -> bool:
        """Put what the calls have written into the sink, a group at a time."""
        with self._lock:
            page, self._page = self._page, self._spare
            assert page is not None  # noqa: S101 - the thread runs from the making of the pages on
            self._spare = page
            items, spilled = page.take()
            self._queued += len(items) + spilled
            self._underway = len(self._held) + len(items) + spilled
        if not items and not self._held:
            return True
        waiting = chain(items, page.others(items) if spilled else ())
        while (made := self._gather(waiting)) or self._held:
            if not self._taken(self._held):
                self._gather(waiting, len(items) + spilled)
                self._trim()
                return False
            self._held, self._underway = [], self._underway - made
        page.clear()
        self._underway = 0
        return True

    def _gather(self, waiting: Iterator[tuple[Draft, Any]], count: int = GROUP) -> int:
        """Make the next records. Of how many drafts?"""
        group = list(islice(waiting, count))
        self._held += self._made(group)
        return len(group)

    def _made(self, group: Iterable[tuple[Draft, Any]]) -> Iterator[Record]:
        for draft, live in group:
            if (record := self._completed(draft, live)) is not None:
                yield record
            self._courtesy.pause()

    def _completed(self, draft: Draft, live: Any) -> Record | None:
        try:
            return self._complete(draft, live)
        except Exception as error:  # noqa: BLE001 - one record that cannot be made must not stop the others
            self._lose(error, draft)
            return None

    def _taken(self, records: Sequence[Record]) -> bool:
        try:
            self._sink.take(records)
        except LedgerError as error:
            if self._stored:
                self._trouble.tell(error, {})
            return False
        except Exception as error:  # noqa: BLE001 - one that cannot be stored must not stop the others
            if len(records) > 1:
                middle = len(records) // 2
                return self._taken(records[:middle]) and self._taken(records[middle:])
            self._lose(error, entry(records[0]))
        return True

    def _lose(self, error: Exception, said: Mapping[str, Any]) -> None:
        self._trouble.stats.dropped += 1
        self._trouble.tell(error, said)

    def _trim(self) -> None:
        for record in self._held[:-LIMIT]:
            self._lose(LedgerError(f"spaturzu: more than {LIMIT} records wait for the store"), entry(record))
        self._held = self._held[-LIMIT:]
        self._underway = len(self._held)

    def _adopt(self) -> None:
        """Store what processes that died have left, a group at a time."""
        try:
            for path, drafts in orphans(self._folder):
                while group := [(draft, None) for draft in islice(drafts, GROUP)]:
                    records = list(self._made(group))
                    if not self._taken(records):
                        return
                    self._trouble.stats.adopted += len(records)
                path.unlink(missing_ok=True)
        except OSError as error:
            self._trouble.tell(error, {})


def _at_exit(work: Callable[[], None]) -> None:
    """Workers of multiprocessing end without `atexit`: they have a registry of their own."""
    atexit.register(work)
    workers = sys.modules.get("multiprocessing.util")
    if workers is not None:
        workers.Finalize(None, work, exitpriority=10)


_LIVE: weakref.WeakSet[Recorder] = weakref.WeakSet()


def _forked() -> None:
    for recorder in list(_LIVE):
        recorder.forked()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)

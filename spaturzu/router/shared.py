"""Openings that the processes of one host share: a small SQLite file. It is never waited for longer than 20 ms.

A failing file costs a count in `errors`, and is left alone for a second; meanwhile each process goes by what it knows.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

BUSY_S = 0.02
NEWS_EVERY_S = 0.25
AFTER_ERROR_S = 1.0
PROBE_S = 30.0
"""Who claims a probe and is heard of no more has had it; then another may claim it."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS breakers (
  key TEXT PRIMARY KEY, target TEXT NOT NULL, openings INTEGER NOT NULL,
  open_until REAL NOT NULL, probe_until REAL NOT NULL DEFAULT 0
) WITHOUT ROWID
"""
_OPENED = """
INSERT INTO breakers (key, target, openings, open_until) VALUES (?, ?, ?, ?)
ON CONFLICT (key) DO UPDATE SET openings = max(openings, excluded.openings),
  open_until = max(open_until, excluded.open_until), probe_until = 0
"""
_CLAIM = "UPDATE breakers SET probe_until = ? WHERE key = ? AND open_until <= ? AND probe_until <= ?"

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Row:
    """An opening that some process has written."""

    key: str
    target: str
    openings: int
    reopens_in_s: float


class SharedBreakers:
    """One file's openings. Thread-safe, and safe after a fork. Raises OSError if the file cannot be made.

    Times in the file are the wall clock's, which the processes of a host have in common.
    """

    def __init__(self, path: str | Path, wall: Callable[[], float] = time.time) -> None:
        self.path, self.errors = Path(path).absolute(), 0
        self._wall, self._lock = wall, threading.Lock()
        self._connection: tuple[int, sqlite3.Connection] | None = None
        self._next_news = self._quiet_until = 0.0
        try:
            self._connected().execute("SELECT 1 FROM breakers LIMIT 1").fetchall()
        except sqlite3.Error as error:
            raise OSError(str(error)) from error

    def news(self) -> list[Row] | None:
        """Every opening in the file; None where that was asked a moment ago, or cannot be had."""
        now = time.monotonic()
        if now < self._next_news:
            return None
        self._next_news = now + NEWS_EVERY_S
        return self._do(self._rows)

    def opened(self, key: str, target: str, openings: int, seconds: float) -> bool:
        """Tell the others of an opening. True if it is in the file."""
        row = (key, target, openings, self._wall() + seconds)
        return self._do(lambda file: file.execute(_OPENED, row)) is not None

    def closed(self, key: str) -> None:
        """Tell the others that the target works."""
        self._do(lambda file: file.execute("DELETE FROM breakers WHERE key = ?", (key,)))

    def claim(self, key: str) -> bool:
        """May this process probe? Yes also where the file cannot say."""
        now = self._wall()
        told = self._do(lambda file: file.execute(_CLAIM, (now + PROBE_S, key, now, now)).rowcount)
        return told != 0

    def release(self, key: str) -> None:
        """The probe had no verdict."""
        self._do(lambda file: file.execute("UPDATE breakers SET probe_until = 0 WHERE key = ?", (key,)))

    def _rows(self, file: sqlite3.Connection) -> list[Row]:
        now = self._wall()
        found = file.execute("SELECT key, target, openings, open_until FROM breakers").fetchall()
        return [Row(key, target, openings, open_until - now) for key, target, openings, open_until in found]

    def _do(self, work: Callable[[sqlite3.Connection], T]) -> T | None:
        with self._lock:
            if time.monotonic() < self._quiet_until:
                return None
            try:
                return work(self._connected())
            except (sqlite3.Error, OSError):
                self.errors += 1
                self._quiet_until = time.monotonic() + AFTER_ERROR_S
                self._disconnect()
                return None

    def _connected(self) -> sqlite3.Connection:
        """This process's connection: one that a fork brought along is not touched."""
        if self._connection is None or self._connection[0] != os.getpid():
            made = sqlite3.connect(self.path, timeout=BUSY_S, isolation_level=None, check_same_thread=False)
            made.execute("PRAGMA journal_mode = WAL")
            made.execute("PRAGMA synchronous = OFF")
            made.execute(_SCHEMA)
            self._connection = (os.getpid(), made)
        return self._connection[1]

    def _disconnect(self) -> None:
        if self._connection is not None and self._connection[0] == os.getpid():
            with suppress(sqlite3.Error):
                self._connection[1].close()
        self._connection = None

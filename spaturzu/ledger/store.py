"""The embedded ledger: a SQLite file that many processes may write at once, and the spool for a gateway beside it."""

from __future__ import annotations

import json
import os
import sqlite3
import threading
import time
import weakref
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Any

from spaturzu.courtesy import Courtesy
from spaturzu.errors import LedgerError

from .migrate import immediate, migrate, result_code
from .place import default_path
from .record import Record
from .schema import COLUMNS, Table, record_of, row_of

LEASE_S = 60.0
"""For how long records belong to the process that took them to send: a few attempts with their backoff."""
AT_ONCE = (16, 4, 1)
"""Rows that one statement writes. Each statement lets go of the interpreter and wants it back from whoever makes calls
meanwhile: with one for each row, the recorder's thread took 69 us a record instead of 60 (2026-12-01). SQLite before
3.32 takes 999 values.
"""

_ADVICE: dict[int, str] = {
    sqlite3.SQLITE_NOTADB: "is not a SQLite file; move it away, or set SPATURZU_DB to another path",
    sqlite3.SQLITE_CORRUPT: "is damaged; move it away, with its -wal and -shm, or set SPATURZU_DB to another path",
    sqlite3.SQLITE_READONLY: "cannot be written; give this user the right to, or set SPATURZU_DB to another path",
    sqlite3.SQLITE_CANTOPEN: "cannot be opened; see that it is a file, that its folder exists and that both may be "
    "written, or set SPATURZU_DB to another path",
    sqlite3.SQLITE_PERM: "may not be opened by this user; set SPATURZU_DB to another path",
    sqlite3.SQLITE_BUSY: "is being written by another process that does not finish; end that process or try again",
    sqlite3.SQLITE_LOCKED: "is being written by another process that does not finish; end that process or try again",
    sqlite3.SQLITE_FULL: "has no room left on its disk; free some, or set SPATURZU_DB to another path",
    sqlite3.SQLITE_IOERR: "cannot be read or written, its disk reports an error; set SPATURZU_DB to another path",
}


class Store:
    """One ledger file, opened when first used. Safe to share between threads, and to carry over a fork.

    `create=False`: only a file that exists is opened. `busy_timeout_s`: how long a write waits for those of other
    processes. Every method raises LedgerError where the file cannot be used.
    """

    def __init__(
        self, path: str | os.PathLike[str] | None = None, *, create: bool = True, busy_timeout_s: float = 30.0
    ) -> None:
        self.path = default_path() if path is None else Path(path)
        self._create, self._busy_timeout_s = create, busy_timeout_s
        self._lock, self._courtesy = threading.Lock(), Courtesy()
        self._opened: sqlite3.Connection | None = None
        self._origin: tuple[int, int, int] | None = None
        _LIVE.add(self)

    def insert(self, records: Sequence[Record]) -> int:
        """Add the records in one transaction; those whose id is known are left as they are. How many were new."""
        return self._add("hops", [row_of(record) for record in records])

    def spool(self, records: Sequence[Record], destination: str) -> int:
        """Keep the records until they are sent to `destination`: a name of gateway and project, without secrets."""
        return self._add("spool", [(*row_of(record), destination) for record in records])

    def unsent(
        self, limit: int, *, destination: str, lease_s: float = LEASE_S, now: float | None = None
    ) -> list[Record]:
        """Up to `limit` records that wait for `destination`, oldest first.

        No other process gets them for `lease_s` seconds: after that, whoever took them is taken to be dead.
        """
        now = time.time() if now is None else now
        with self._transaction() as connection:
            rows = connection.execute(
                f"SELECT {_NAMES} FROM spool WHERE destination = ? AND leased_until <= ? ORDER BY seq LIMIT ?",  # noqa: S608
                (destination, now, limit),
            ).fetchall()
            self._lease(connection, [row[0] for row in rows], now + lease_s)
        return [record_of(row) for row in rows]

    def release(self, ids: Sequence[str]) -> None:
        """Give back what `unsent` gave, before its lease is over."""
        with self._transaction() as connection:
            self._lease(connection, ids, 0)

    def _lease(self, connection: sqlite3.Connection, ids: Sequence[str], until: float) -> None:
        connection.execute(f"UPDATE spool SET leased_until = ? WHERE {_AMONG}", (until, json.dumps(ids)))  # noqa: S608

    def mark_sent(self, ids: Sequence[str]) -> None:
        """The gateway has them, or has refused them for good: they leave the spool."""
        with self._transaction() as connection:
            connection.execute(f"DELETE FROM spool WHERE {_AMONG}", (json.dumps(ids),))  # noqa: S608 - ours

    def waiting(self, destination: str | None = None) -> int:
        """How many records wait for that gateway, or for any."""
        (row,) = self.select("SELECT count(*) FROM spool WHERE ?1 IS NULL OR destination = ?1", (destination,))
        return row[0]

    def prune(self, before: float) -> int:
        """Forget the hops that started before that time (Unix seconds). How many. What waits for a gateway stays."""
        with self._transaction() as connection:
            return connection.execute("DELETE FROM hops WHERE started_at < ?", (before,)).rowcount

    def verify(self) -> None:
        """Raise LedgerError where the file is damaged or cannot be written. Changes nothing."""
        with self._transaction() as connection:
            (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
        if verdict != "ok":
            raise LedgerError(f"spaturzu: the ledger {self.path} {_ADVICE[sqlite3.SQLITE_CORRUPT]} ({verdict})")

    def select(self, sql: str, parameters: Sequence[Any] = ()) -> list[Any]:
        """The rows of a query."""
        with self._connection() as connection:
            return connection.execute(sql, parameters).fetchall()

    def before_fork(self, timeout_s: float) -> bool:
        """Wait until nobody is using it, and let nobody. False where that takes too long."""
        return self._lock.acquire(timeout=timeout_s)

    def after_fork(self) -> None:
        """Let them use it again."""
        self._lock.release()

    def after_fork_in_child(self) -> None:
        """Whoever was using it is not there."""
        self._lock = threading.Lock()

    def close(self) -> None:
        """Let go of the file. The next use opens it again."""
        with self._lock:
            if self._opened is not None:
                self._let_go(self._opened)

    def _add(self, table: Table, rows: list[tuple[Any, ...]]) -> int:
        with self._transaction() as connection:
            before = connection.total_changes
            for some in _portions(rows):
                connection.execute(_insert(table, len(some)), list(chain.from_iterable(some)))
                self._courtesy.pause()
            return connection.total_changes - before

    @contextmanager
    def _transaction(self) -> Generator[sqlite3.Connection]:
        with self._connection() as connection, immediate(connection):
            yield connection

    @contextmanager
    def _connection(self) -> Generator[sqlite3.Connection]:
        with self._lock:
            try:
                yield self._open()
            except sqlite3.Error as error:
                raise _explained(self.path, error) from error

    def _open(self) -> sqlite3.Connection:
        """This process's connection to the file that is there now."""
        if self._opened is not None:
            if self._origin == self._here():
                return self._opened
            self._let_go(self._opened)
        self._opened = self._connect()
        self._origin = self._here()
        return self._opened

    def _here(self) -> tuple[int, int, int] | None:
        """The process and the file. A connection goes on writing to a file that was deleted, where nobody looks."""
        try:
            file = self.path.stat()
        except FileNotFoundError:
            return None
        return os.getpid(), file.st_dev, file.st_ino

    def _let_go(self, connection: sqlite3.Connection) -> None:
        """One from before a fork is the parent's. To close it would let go of the parent's locks, so it is kept."""
        self._opened = None
        if self._origin is not None and self._origin[0] != os.getpid():
            _OF_PARENTS.append(connection)
        else:
            connection.close()

    def _connect(self) -> sqlite3.Connection:
        self._make_folder()
        connection = sqlite3.connect(
            f"{self.path.absolute().as_uri()}?mode={'rwc' if self._create else 'rw'}",
            uri=True,
            timeout=self._busy_timeout_s,
            isolation_level=None,
            check_same_thread=False,
        )
        try:
            connection.execute("PRAGMA synchronous = NORMAL")
            migrate(connection, self.path, timeout_s=self._busy_timeout_s)
        except BaseException:
            connection.close()
            raise
        return connection

    def _make_folder(self) -> None:
        if not self._create:
            if not self.path.exists():
                raise LedgerError(
                    f"spaturzu: there is no ledger at {self.path}; the first call that is recorded makes it"
                )
            return
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise LedgerError(
                f"spaturzu: the folder of the ledger {self.path} cannot be made ({error.strerror}); "
                "set SPATURZU_DB to another path"
            ) from error


_OF_PARENTS: list[sqlite3.Connection] = []
"""Connections carried over a fork."""
_LIVE: weakref.WeakSet[Store] = weakref.WeakSet()
FORK_WAIT_S = 1.0
"""How long a fork waits at most. A transaction of ours takes milliseconds, unless it waits for another program's."""


_HELD: dict[int, list[Store]] = {}
"""Of each thread that forks just now: the stores that it keeps the others from."""


def _before_fork() -> None:
    """No transaction of ours is under way in a fork: SQLite would take it to be so for ever in the child."""
    until, held = time.monotonic() + FORK_WAIT_S, _HELD.setdefault(threading.get_ident(), [])
    for store in list(_LIVE):
        if store.before_fork(max(0.0, until - time.monotonic())):
            held.append(store)


def _after_fork() -> None:
    for store in _HELD.pop(threading.get_ident(), ()):
        store.after_fork()


def _after_fork_in_child() -> None:
    _HELD.clear()
    for store in list(_LIVE):
        store.after_fork_in_child()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_parent=_after_fork, after_in_child=_after_fork_in_child)

_NAMES = ", ".join(COLUMNS)
_AMONG = "id IN (SELECT value FROM json_each(?))"


def _portions(rows: list[tuple[Any, ...]]) -> Iterator[list[tuple[Any, ...]]]:
    first = 0
    for size in AT_ONCE:
        while len(rows) - first >= size:
            yield rows[first : first + size]
            first += size


@cache
def _insert(table: Table, rows: int) -> str:
    columns = (*COLUMNS, "destination") if table == "spool" else COLUMNS
    row = f"({', '.join('?' * len(columns))})"
    return (
        f"INSERT INTO {table} ({', '.join(columns)}) VALUES {', '.join([row] * rows)} "  # noqa: S608 - constants
        "ON CONFLICT (id) DO NOTHING"
    )


def _explained(path: Path, error: sqlite3.Error) -> LedgerError:
    advice = _ADVICE.get(result_code(error), "cannot be used")
    return LedgerError(f"spaturzu: the ledger {path} {advice} ({error})")

"""A ledger's file is brought to the version that this spaturzu knows, whoever else does so at the same time."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path

from spaturzu.errors import LedgerError

from .schema import MIGRATIONS


def migrate(
    connection: sqlite3.Connection,
    path: Path,
    *,
    timeout_s: float,
    migrations: Sequence[Sequence[str]] = MIGRATIONS,
) -> None:
    """Take the steps that the file lacks, in one transaction. Raises LedgerError on a file of a newer version."""
    latest = len(migrations)
    if _version(connection, path, latest) == latest:
        return
    _use_wal(connection, timeout_s)
    with immediate(connection):
        for steps in migrations[_version(connection, path, latest) :]:
            for statement in steps:
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {latest}")


def _version(connection: sqlite3.Connection, path: Path, latest: int) -> int:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > latest:
        raise LedgerError(
            f"spaturzu: the ledger {path} is of a newer version ({version}, this one knows {latest}); "
            "upgrade spaturzu, or set SPATURZU_DB to another path"
        )
    return version


@contextmanager
def immediate(connection: sqlite3.Connection) -> Generator[None]:
    """A transaction that may write from its start: one that read first and then had to wait for that would fail."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _use_wal(connection: sqlite3.Connection, timeout_s: float) -> None:
    """Readers and the writer do not wait for each other. SQLite does not wait for the right to switch, so this does."""
    deadline = time.monotonic() + timeout_s
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if result_code(error) != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return


def result_code(error: sqlite3.Error) -> int:
    """The primary result code; errors of Python's own module have none."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF

"""The ledger: where it is, whether it can be written, what is in it."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

from spaturzu.errors import LedgerError
from spaturzu.ledger.place import default_path
from spaturzu.ledger.store import Store

from .findings import Finding

FUTURE_S = 300
"""How far ahead of the clock a call may lie before something is wrong with one of the two."""


def ledger(db: Path | None) -> Iterator[Finding]:
    """Nothing is made: where there is no file yet, only its folder is looked at."""
    try:
        path = default_path() if db is None else db
        yield from _file(path) if path.exists() else _folder(path)
    except LedgerError as error:
        yield Finding("ledger", "problem", str(error).removeprefix("spaturzu: "))


def _folder(path: Path) -> Iterator[Finding]:
    nearest = next(folder for folder in path.absolute().parents if folder.exists())
    if nearest.is_dir() and os.access(nearest, os.W_OK):
        yield Finding("ledger", "note", f"{path} is made by the first call that is recorded")
    else:
        yield Finding("ledger", "problem", f"{path} cannot be made: {nearest} cannot be written; set SPATURZU_DB")


def _file(path: Path) -> Iterator[Finding]:
    store = Store(path, create=False, busy_timeout_s=5)
    store.verify()
    hops, newest = store.select("SELECT count(*), max(started_at) FROM hops")[0]
    size = f"{path.stat().st_size / 1e6:,.1f} MB"
    yield Finding("ledger", "ok", f"{path}, writable, {hops:,} hops, {size}")
    if newest is not None and newest > time.time() + FUTURE_S:
        yield Finding("ledger", "warning", "its latest call lies in the future: was the clock ahead?")
    if waiting := store.waiting():
        yield Finding("spool", "note", f"{waiting:,} records wait for a gateway")
    store.close()

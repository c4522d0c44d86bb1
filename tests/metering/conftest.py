"""A ledger of each test's own, and what is in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import spaturzu
from spaturzu.ledger.record import Record
from spaturzu.ledger.schema import COLUMNS, record_of
from spaturzu.ledger.store import Store
from spaturzu.sandbox import Sandbox


@pytest.fixture(scope="session")
def servers() -> Iterator[Sandbox]:
    """The providers' servers."""
    with Sandbox(record=False) as running:
        yield running


@pytest.fixture
def sp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, servers: Sandbox) -> Iterator[spaturzu.Spaturzu]:
    """An instance that writes into a ledger of this test's own."""
    servers.reset()
    monkeypatch.setenv("SPATURZU_DB", str(tmp_path / "ledger.sqlite3"))
    instance = spaturzu.Spaturzu(tags={"env": "t"})
    yield instance
    instance.shutdown()


@pytest.fixture
def records(sp: spaturzu.Spaturzu, tmp_path: Path) -> Callable[[], list[Record]]:
    """All that is recorded so far, in the order in which it was."""

    def read() -> list[Record]:
        assert sp.flush(20)
        rows: list[Any] = Store(tmp_path / "ledger.sqlite3").select(
            f"SELECT {', '.join(COLUMNS)} FROM hops ORDER BY seq"  # noqa: S608 - our own columns
        )
        return [record_of(row) for row in rows]

    return read

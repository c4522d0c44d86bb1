"""A ledger, a gateway and a provider of each test's own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from spaturzu.sandbox import LogGateway, Sandbox


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where this test's ledger and spool are."""
    path = tmp_path / "ledger.sqlite3"
    monkeypatch.setenv("SPATURZU_DB", str(path))
    return path


@pytest.fixture
def gateway(database: Path) -> Iterator[LogGateway]:
    """A gateway that takes batches."""
    with LogGateway() as running:
        yield running


@pytest.fixture(scope="session")
def provider() -> Iterator[Sandbox]:
    """The providers' servers."""
    with Sandbox(record=False) as running:
        yield running

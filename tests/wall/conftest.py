"""Clients as for production, made once: a client costs more than all the cells that run on it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from .directions import Directions


@pytest.fixture(scope="session")
def directions() -> Iterator[Directions]:
    with asyncio.Runner() as runner:
        yield Directions(runner)

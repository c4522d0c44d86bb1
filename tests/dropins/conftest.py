"""One sandbox and one event loop for all tests of a worker; each test finds the sandbox as new."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from spaturzu.sandbox import Sandbox

from .chains import House


@pytest.fixture(scope="session")
def _house() -> Iterator[House]:
    with Sandbox() as sandbox, asyncio.Runner() as runner:
        house = House(sandbox=sandbox, runner=runner)
        yield house
        house.http.close()
        runner.run(house.async_http.aclose())


@pytest.fixture
def house(_house: House) -> House:
    """The sandbox, as new, with the means to make clients for it."""
    _house.sandbox.reset()
    return _house

"""The `sandbox` fixture: local provider servers, fresh for each test. Loading this costs nothing until it is used."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .sandbox import Sandbox


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """Five local provider servers that the real SDKs can talk to; see `spaturzu.sandbox`."""
    from .sandbox import Sandbox

    with Sandbox() as running:
        yield running

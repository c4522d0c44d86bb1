"""The fixtures `sandbox`, `offline` and `outage`. Loading this costs nothing until one of them is used."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from .sandbox import Sandbox
    from .wire import Wire


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """Five local provider servers that the real SDKs can talk to; see `spaturzu.sandbox`. No breaker is open."""
    from spaturzu.router.breakers import PROCESS

    from .sandbox import Sandbox

    PROCESS.forget()
    with Sandbox() as running:
        yield running


@pytest.fixture
def offline() -> Iterator[Sandbox]:
    """No provider is called in this test: spaturzu clients reach these local servers; see `spaturzu.testing`."""
    from spaturzu.testing import offline

    with offline() as running:
        yield running


@pytest.fixture
def outage() -> Iterator[Callable[..., Wire]]:
    """`outage("openai", status=503)`: the provider fails until the test ends; see `spaturzu.testing.outage`."""
    from spaturzu.testing import outage

    with ExitStack() as stack:

        def begin(*args: Any, **options: Any) -> Wire:
            return stack.enter_context(outage(*args, **options))

        yield begin

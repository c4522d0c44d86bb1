"""Where requests go instead of to their provider, while a test says so (`spaturzu.testing`). Otherwise nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from spaturzu.router.chain import Chain

    from .door import Door


class Detour(Protocol):
    """Turns requests to another server. Thread-safe."""

    def http(self, door: Door, inner: Any, request: Any) -> Any:
        """The HTTP client that sends `request`, which is turned in place; `inner` where it is to go on as ever."""
        ...

    def session(self, door: Door, inner: Any, request: Any) -> Any:
        """The same for botocore: an HTTP session."""
        ...

    def chain(self, chain: Chain) -> Chain:
        """The chain with its targets' clients turned too, and a memory of its own for failures."""
        ...


current: Detour | None = None
"""The detour that holds for the whole process. Only `spaturzu.testing` sets it."""

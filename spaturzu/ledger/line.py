"""The connections to one gateway: as many as are asked at once, kept for the next time."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from functools import cached_property
from ssl import SSLContext

from spaturzu.errors import ConfigError

from .connection import Connection, HttpAnswer, connect
from .route import Route, route_to


class Line:
    """`route` is worked out, and certificates are loaded, by `prepare`, else when the first request is sent."""

    def __init__(self, url: str, timeout_s: float) -> None:
        self._url, self._timeout_s = url, timeout_s
        self._idle = list[Connection]()

    def prepare(self) -> None:
        """Where it cannot be done, the requests will say so."""
        with suppress(ConfigError, OSError):
            _ = self.route, self._tls

    @cached_property
    def route(self) -> Route:
        """The way to it. Raises ConfigError where there can be none."""
        return route_to(self._url)

    @cached_property
    def _tls(self) -> SSLContext | None:
        if not self.route.secure:
            return None
        from httpx2 import create_ssl_context

        return create_ssl_context()

    async def ask(self, requests: Sequence[bytes]) -> tuple[list[HttpAnswer], Exception | None]:
        """The answers to requests that are sent back to back on one connection, and why there are fewer.

        A kept connection may turn out to be dead, as after a freeze, and a gateway may end one between two answers:
        what has no answer then is asked again at once.
        """
        answers = list[HttpAnswer]()
        while len(answers) < len(requests):
            error = await self._ask_some(requests[len(answers) :], answers)
            if error is not None:
                return answers, error
        return answers, None

    async def _ask_some(self, requests: Sequence[bytes], answers: list[HttpAnswer]) -> Exception | None:
        """On one connection. What is wrong, unless it was only that this one is over."""
        got, kept = list[HttpAnswer](), False
        try:
            connection = await self._connection()
            kept = connection.used
            await connection.ask(requests, got, self._timeout_s)
        except (OSError, ValueError, ConfigError) as error:
            over = (kept or bool(got)) and not isinstance(error, TimeoutError)
            return None if over else error
        finally:
            answers += got
        if connection.open:
            self._idle.append(connection)
        return None

    async def _connection(self) -> Connection:
        while self._idle:
            if (connection := self._idle.pop()).open:
                return connection
        return await connect(self.route, self._tls, self._timeout_s)

    def close(self) -> None:
        """Let go of those that are idle."""
        for connection in self._idle:
            connection.close()
        self._idle.clear()

"""One instance's meter: where its records go, made when its first call ends."""

from __future__ import annotations

# Python refuses to load it once the main thread has ended, and a thread may make its first call then.
import concurrent.futures.thread  # noqa: F401  # pyright: ignore[reportUnusedImport]
import os
import re
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING, Any

from .errors import ConfigError

if TYPE_CHECKING:
    from .ledger.address import Address
    from .ledger.recorder import Recorder
    from .ledger.stats import OnError, Stats
    from .middleware.meter import Meter
    from .pricing import Overrides

HOSTED = "https://spaturzu-api.superchiu.org"
"""Where a project key without a URL belongs, as in the published client (0.1.7, read 2026-11-22)."""


class MeteringOptions:
    """Where records go. Without `base_url` and `api_key`, in neither argument nor environment: the embedded ledger.

    `timeout_s` is for each attempt at the gateway, `backoff_ms` has a wait for each retry, `max_concurrent` bounds the
    requests in flight. `prices`: see `pricing.Overrides`. With `metering=False`, or `SPATURZU_METERING=off` in the
    environment, nothing is recorded.
    """

    def __init__(
        self,
        *,
        base_url: str | None = None,
        api_key: str | None = None,
        timeout_s: float = 10.0,
        backoff_ms: Sequence[float] | None = None,
        max_concurrent: int = 50,
        on_error: OnError | None = None,
        prices: Mapping[str, Any] | str | Path | None = None,
        metering: bool | None = None,
    ) -> None:
        """Raises ConfigError: what cannot work is found here, not in a call."""
        self.base_url, self.api_key, self.timeout_s = base_url, api_key, timeout_s
        self.backoff_ms, self.max_concurrent = backoff_ms, max_concurrent
        self.on_error, self.prices, self.metering = on_error, prices, metering
        _require(self.timeout_s > 0, f"timeout_s is {self.timeout_s!r}; it is seconds, more than 0")
        _require(self.max_concurrent >= 1, f"max_concurrent is {self.max_concurrent!r}; it is at least 1")
        waits = self.backoff_ms or ()
        _require(all(wait >= 0 for wait in waits), f"backoff_ms is {waits!r}; it is milliseconds, none below 0")
        _require(
            self.on_error is None or callable(self.on_error),
            "on_error cannot be called; give a function of (exception, entry)",
        )
        self.address  # noqa: B018 - a URL that cannot be one raises

    @property
    def on(self) -> bool:
        """Is anything to be recorded?"""
        return os.environ.get("SPATURZU_METERING") != "off" if self.metering is None else self.metering

    @cached_property
    def address(self) -> Address | None:
        """The gateway; None for the embedded ledger. An empty string counts as not given."""
        from .ledger.address import Address

        key = self.api_key or os.environ.get("SPATURZU_API_KEY") or None
        url = self.base_url or os.environ.get("SPATURZU_BASE_URL") or (HOSTED if key else None)
        if url is None:
            return None
        _require(url.startswith(("http://", "https://")), f"base_url is {url!r}; it begins with https:// or http://")
        _require(not re.search(r"[\s\x00-\x1f]", url), f"base_url is {url!r}; it has no blanks and no line ends")
        _require(
            key is None or re.fullmatch(r"[!-~]+", key) is not None,
            "the key for the gateway (api_key or SPATURZU_API_KEY) has a blank, a line end or a letter beyond ASCII; "
            "give it as the gateway shows it",
        )
        backoff = {} if self.backoff_ms is None else {"backoff_ms": tuple(self.backoff_ms)}
        return Address(
            base_url=url.rstrip("/"),
            api_key=key,
            timeout_s=self.timeout_s,
            max_concurrent=self.max_concurrent,
            **backoff,
        )


def _require(holds: bool, otherwise: str) -> None:
    if not holds:
        raise ConfigError(f"spaturzu: {otherwise}")


class Metering:
    """What an instance's clients have in common. Nothing of it is loaded before the first call."""

    def __init__(self, options: MeteringOptions) -> None:
        self._options = options
        self.prices: Overrides | None = _overrides(options.prices)
        """The user's own; None for the lists alone."""
        self._meter: Meter | None = None
        self._recorder: Recorder | None = None
        self._lock = RLock()

    @property
    def on(self) -> bool:
        """Is anything recorded?"""
        return self._options.on

    @property
    def meter(self) -> Meter:
        """The middleware. It is no matter if two threads make one each: both have the one recorder."""
        if self._meter is None:
            self._meter = self._new_meter()
        return self._meter

    def _new_meter(self) -> Meter:
        from .courtesy import load

        load("spaturzu.middleware.meter")
        from .middleware.meter import Meter, unrecorded

        return Meter(self.recorder.put if self._options.on else unrecorded)

    @property
    def recorder(self) -> Recorder:
        """The way of the records, one for all threads. A fork waits for its making."""
        if self._recorder is None:
            from .courtesy import loading

            with loading(), self._lock:
                self._recorder = self._recorder or self._new_recorder()
        return self._recorder

    def _new_recorder(self) -> Recorder:
        from .ledger.embedded import Embedded
        from .ledger.gateway import Gateway
        from .ledger.recorder import Recorder
        from .ledger.stats import Trouble
        from .ledger.store import Store
        from .middleware.meter import Completing

        options, trouble = self._options, Trouble(self._options.on_error)
        store, address = Store(), options.address
        sink = Embedded(store, trouble.stats) if address is None else Gateway(store, address, trouble)
        completing = Completing(trouble, priced=address is None, overrides=self.prices)
        whose = "" if address is None else f"-{address.slug}"
        return Recorder(store.path.with_name(f"{store.path.name}.journal{whose}"), sink, completing, trouble)

    def flush(self, timeout_s: float | None) -> bool:
        """Wait until everything has left."""
        return not self._options.on or self.recorder.flush(timeout_s)

    def close(self) -> bool:
        """The same, then let go."""
        return not self._options.on or self.recorder.shutdown()

    def stats(self) -> Stats:
        """What became of the records so far."""
        return self.recorder.stats()


def _overrides(prices: Mapping[str, Any] | str | Path | None) -> Any:
    if prices is None:
        return None
    from .pricing import Overrides

    return Overrides.read(prices)

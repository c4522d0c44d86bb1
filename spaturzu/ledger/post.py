"""Records to the gateway over HTTP, and what its answers mean. httpx2 is imported where the first one is sent."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, Literal, Self, TypeAlias, cast

from spaturzu.errors import HttpError
from spaturzu_translators.values import value

from .record import Record
from .wire import entry, full_entry

if TYPE_CHECKING:
    from .address import Address

Kind: TypeAlias = Literal["delivered", "refused", "again"]

UNKNOWN_PATH = frozenset({404, 405, 501})
"""A gateway of the published protocol has no batches."""
PASSES = frozenset({401, 403, 408, 425, 429})
"""Of the 4xx, those that say nothing about the entry: a key may be put right, a limit ends."""
SAID = 200
"""How many characters of an answer an error repeats."""

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


@value
class Result:
    """What became of one record. `again`: not yet; it is sent once more, after `retry_after_s` at the earliest."""

    record: Record
    kind: Kind
    error: Exception | None = None
    retry_after_s: float = 0.0


@dataclass(frozen=True, slots=True)
class _Answer:
    """One request's, or why there is none (`status` 0)."""

    status: int
    body: bytes = b""
    error: Exception | None = None
    retry_after_s: float = 0.0

    @property
    def kind(self) -> Kind:
        if 200 <= self.status < 300:
            return "delivered"
        return "refused" if 400 <= self.status < 500 and self.status not in PASSES else "again"

    def of(self, record: Record) -> Result:
        """The same answer, for one record."""
        kind = self.kind
        error = None if kind == "delivered" else self.error
        return Result(record=record, kind=kind, error=error, retry_after_s=self.retry_after_s)


class Poster:
    """`async with Poster(address) as poster: await poster.send(records, results)`."""

    def __init__(self, address: Address) -> None:
        self._address = address
        self._singly = False

    async def __aenter__(self) -> Self:
        import httpx2

        self._http: Any = httpx2
        address = self._address
        limits = httpx2.Limits(max_connections=address.max_concurrent, max_keepalive_connections=address.max_concurrent)
        secure = address.base_url.startswith("https:")  # without TLS there is nothing to verify, and no time to lose
        self._client = httpx2.AsyncClient(timeout=address.timeout_s, limits=limits, verify=secure)
        self._headers = {"content-type": "application/json"}
        if address.api_key:
            self._headers["x-spaturzu-key"] = address.api_key
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.aclose()

    async def send(self, records: Sequence[Record], results: list[Result]) -> None:
        """As one batch, else each by itself. `results` gets one for each record that was tried, as it comes."""
        if not self._singly:
            answer = await self._post("/v1/logs/batch", _batch(records))
            self._singly = answer.status in UNKNOWN_PATH
            if answer.kind != "refused":
                results += _of_batch(answer, records)
                return
        await self._send_each(records, results)

    async def _send_each(self, records: Sequence[Record], results: list[Result]) -> None:
        """A request for each, many in flight, until the gateway shows that it is not there."""
        waiting, gone = iter(records), asyncio.Event()
        async with asyncio.TaskGroup() as posters:
            for _ in range(min(self._address.max_concurrent, len(records))):
                posters.create_task(self._send_some(waiting, results, gone))

    async def _send_some(self, waiting: Iterator[Record], results: list[Result], gone: asyncio.Event) -> None:
        for record in waiting:
            if record.outcome == "skipped":  # the published protocol has no word for it: nothing was asked
                results.append(Result(record=record, kind="delivered"))
                continue
            answer = await self._post("/v1/logs", _encode(entry(record)))
            results.append(answer.of(record))
            if answer.kind == "again" and answer.status != 500:
                gone.set()
            if gone.is_set():
                return

    async def _post(self, path: str, body: str) -> _Answer:
        """Once; again at once where a pooled connection turns out to be dead, as after a freeze."""
        url = self._address.base_url + path
        for attempt in ("first", "second"):
            try:
                response = await self._client.post(url, content=body.encode(), headers=self._headers)
            except (self._http.RemoteProtocolError, self._http.ReadError, self._http.WriteError) as error:
                if attempt == "second":
                    return _Answer(0, error=_unreached(url, error))
            except (self._http.HTTPError, self._http.InvalidURL, OSError) as error:
                return _Answer(0, error=_unreached(url, error))
            else:
                return _read(path, response)
        raise AssertionError("the second attempt returns")


def _batch(records: Sequence[Record]) -> str:
    """The body, made in slices: other threads wait for the interpreter meanwhile."""
    parts = list[str]()
    for number, record in enumerate(records):
        parts.append(_encode(full_entry(record)))
        if number % YIELD_EVERY == 0:
            time.sleep(0)
    return f'{{"entries":[{",".join(parts)}]}}'


YIELD_EVERY = 8


def _unreached(url: str, error: Exception) -> RuntimeError:
    wrapped = RuntimeError(f"spaturzu: POST {url} failed: {type(error).__name__}: {error}")
    wrapped.__cause__ = error
    return wrapped


def _read(path: str, response: Any) -> _Answer:
    status, text = response.status_code, response.text[:SAID] if response.status_code >= 300 else ""
    hint = "; set base_url to where it leads" if 300 <= status < 400 else ""
    error = None if status < 300 else HttpError(f"spaturzu: POST {path} {status}: {text}{hint}", status=status)
    return _Answer(status, response.content, error, _retry_after_s(response.headers.get("retry-after")))


def _retry_after_s(said: str | None) -> float:
    """Seconds, or a date."""
    if not said:
        return 0.0
    try:
        return max(0.0, float(said))
    except ValueError:
        pass
    try:
        until = parsedate_to_datetime(said)
    except ValueError:
        return 0.0
    return max(0.0, (until - datetime.now(UTC if until.tzinfo else None)).total_seconds())


def _of_batch(answer: _Answer, records: Sequence[Record]) -> Iterator[Result]:
    rejected = _rejected(answer.body) if answer.kind == "delivered" else {}
    if not rejected:
        yield from map(answer.of, records)
        return
    for number, record in enumerate(records):
        if number in rejected:
            error = HttpError(f"spaturzu: POST /v1/logs/batch refused an entry: {rejected[number][:SAID]}", status=400)
            yield Result(record=record, kind="refused", error=error)
        else:
            yield answer.of(record)


def _rejected(body: bytes) -> dict[int, str]:
    """`{"rejected": [{"index": 3, "error": "..."}]}`: which entries the gateway does not want, and why."""
    try:
        said: Any = json.loads(body)
    except ValueError:
        return {}
    rejected = cast("dict[str, Any]", said).get("rejected") if isinstance(said, dict) else None
    items = cast("list[dict[str, Any]]", rejected) if isinstance(rejected, list) else []
    return {item["index"]: str(item.get("error", "")) for item in items if isinstance(item.get("index"), int)}

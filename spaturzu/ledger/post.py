"""Records to the gateway over HTTP, and what its answers mean.

A gateway of the published protocol takes one entry a request. One that answers quickly gets several at a time on each
of few connections: an id counts once, so what has no answer may be asked again. A slow one gets one request on each of
many.
"""

from __future__ import annotations

import asyncio
import json
import math
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, cast

from spaturzu.courtesy import Courtesy, load
from spaturzu.errors import ConfigError, HttpError
from spaturzu.version import VERSION
from spaturzu_translators.values import value

from .connection import HttpAnswer
from .line import Line
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

QUICK_S = 0.01
"""An answer that takes no longer is a quick one."""
TOGETHER, QUICK_CONNECTIONS = 64, 4
LONGEST_S = 3600.0
"""What a gateway may ask to be left alone for."""
ROUND_S = 10.0
"""How long a round goes on asking for entries one by one."""


def _encoded(said: dict[str, Any]) -> bytes:
    """As JSON: by pydantic's serializer, in a fourth of the time; it takes no half of a surrogate pair."""
    from pydantic_core import to_json

    try:
        return to_json(said)
    except ValueError:
        return json.dumps(said, separators=(",", ":")).encode()


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
    """`await poster.send(records, results)`, within one event loop; `close()` at its end."""

    def __init__(self, address: Address, courtesy: Courtesy) -> None:
        self._address, self._courtesy = address, courtesy
        self._line = Line(address.base_url, address.timeout_s)
        self._heads = dict[str, bytes]()
        self._singly = self._quick = False

    def prepare(self) -> None:
        """Load what sending needs: certificates, a proxy's address, the serializer."""
        self._line.prepare()
        load("pydantic_core")

    def close(self) -> None:
        """Let go of its connections."""
        self._line.close()

    async def send(self, records: Sequence[Record], results: list[Result]) -> None:
        """As one batch, else each by itself. `results` gets one for each record that was tried, as it comes."""
        if not self._singly:
            (answer,) = await self._post("/v1/logs/batch", [self._batch(records)])
            rejected = _rejected(answer)
            self._singly = answer.status in UNKNOWN_PATH or rejected is None
            if rejected is not None and not self._singly and answer.kind != "refused":
                results += _of_batch(answer, rejected, records)
                return
        await self._send_each(records, results)

    async def _send_each(self, records: Sequence[Record], results: list[Result]) -> None:
        """A request for each, many in flight, until the gateway shows that it is not there."""
        round_ = _Round(deque(records), results, time.monotonic() + ROUND_S)
        while not round_.over:
            senders = min(len(round_.waiting), self._address.max_concurrent)
            if self._quick:
                senders = min(senders, QUICK_CONNECTIONS, math.ceil(len(round_.waiting) / TOGETHER))
            async with asyncio.TaskGroup() as posters:
                for _ in range(senders):
                    posters.create_task(self._send_some(round_, quick=self._quick))

    async def _send_some(self, round_: _Round, *, quick: bool) -> None:
        """What one connection carries, until another way is the better one."""
        while quick is self._quick and not round_.over:
            asked = round_.take(TOGETHER if quick else 1)
            answers = await self._post("/v1/logs", [self._single(record) for record in asked]) if asked else []
            round_.results += map(_Answer.of, answers, asked)
            round_.gone |= any(answer.kind == "again" and answer.status != 500 for answer in answers)

    async def _post(self, path: str, bodies: Sequence[bytes]) -> list[_Answer]:
        """The answers in order; where the gateway fell silent, that is the last."""
        started = time.monotonic()
        try:
            head = self._head(path)
        except ConfigError as error:
            return [_Answer(0, error=_unreached(self._address.base_url + path, error))]
        answers, error = await self._line.ask([b"%b%d\r\n\r\n%b" % (head, len(body), body) for body in bodies])
        took_s = (time.monotonic() - started) / max(1, len(answers))
        self._quick = error is None and all(answer.keeps for answer in answers) and took_s < QUICK_S
        read = [_read(path, answer) for answer in answers]
        return read if error is None else [*read, _Answer(0, error=_unreached(self._address.base_url + path, error))]

    def _head(self, path: str) -> bytes:
        """Of every request there, up to the length of its body."""
        if path not in self._heads:
            key = f"x-spaturzu-key: {self._address.api_key}\r\n" if self._address.api_key else ""
            self._heads[path] = self._line.route.head(path, f"{_HEADERS}{key}").encode()
        return self._heads[path]

    def _single(self, record: Record) -> bytes:
        self._courtesy.pause()
        return _encoded(entry(record))

    def _batch(self, records: Sequence[Record]) -> bytes:
        """Made in pieces: other threads wait for the interpreter meanwhile."""
        parts = list[bytes]()
        for record in records:
            parts.append(_encoded(full_entry(record)))
            self._courtesy.pause()
        return b'{"entries":[%b]}' % b",".join(parts)


_HEADERS = f"content-type: application/json\r\nuser-agent: spaturzu/{VERSION}\r\n"


@dataclass(slots=True)
class _Round:
    """What the senders of one round share."""

    waiting: deque[Record]
    results: list[Result]
    until: float
    gone: bool = False

    @property
    def over(self) -> bool:
        """Is everything taken, is the gateway not there, or is it time for what has come since?"""
        return self.gone or not self.waiting or time.monotonic() > self.until

    def take(self, count: int) -> list[Record]:
        """The next to ask about. The published protocol has no word for a skipped hop: nothing was asked."""
        taken = list[Record]()
        while self.waiting and len(taken) < count:
            record = self.waiting.popleft()
            if record.outcome == "skipped":
                self.results.append(Result(record=record, kind="delivered"))
            else:
                taken.append(record)
        return taken


def _unreached(url: str, error: Exception) -> RuntimeError:
    wrapped = RuntimeError(f"spaturzu: POST {url} failed: {type(error).__name__}: {error}")
    wrapped.__cause__ = error
    return wrapped


def _read(path: str, answer: HttpAnswer) -> _Answer:
    if answer.status < 300:
        return _Answer(answer.status, answer.body)
    text, hint = answer.body.decode(errors="replace")[:SAID], ""
    if answer.status < 400:
        hint = "; set base_url to where it leads"
    error = HttpError(f"spaturzu: POST {path} {answer.status}: {text}{hint}", status=answer.status)
    return _Answer(answer.status, answer.body, error, _retry_after_s(answer.retry_after))


def _retry_after_s(said: str) -> float:
    """Seconds, or a date; at most LONGEST_S."""
    if not said:
        return 0.0
    try:
        wait_s = float(said)
    except ValueError:
        wait_s = _until_s(said)
    return max(0.0, min(wait_s, LONGEST_S))


def _until_s(said: str) -> float:
    try:
        until = parsedate_to_datetime(said)
    except ValueError:
        return 0.0
    return (until - datetime.now(UTC if until.tzinfo else None)).total_seconds()


def _of_batch(answer: _Answer, rejected: Mapping[int, str], records: Sequence[Record]) -> Iterator[Result]:
    if not rejected:
        yield from map(answer.of, records)
        return
    for number, record in enumerate(records):
        if number in rejected:
            error = HttpError(f"spaturzu: POST /v1/logs/batch refused an entry: {rejected[number][:SAID]}", status=400)
            yield Result(record=record, kind="refused", error=error)
        else:
            yield answer.of(record)


def _rejected(answer: _Answer) -> dict[int, str] | None:
    """`{"accepted": 7, "rejected": [{"index": 3, "error": "..."}]}`: what the gateway does not want, and why.

    None where it took the batch for something else: there are servers that answer whatever comes with 200.
    """
    if answer.kind != "delivered":
        return {}
    try:
        said: Any = json.loads(answer.body)
    except ValueError:
        return None
    if not isinstance(said, dict) or "accepted" not in said:
        return None
    rejected = cast("dict[str, Any]", said).get("rejected")
    items = cast("list[dict[str, Any]]", rejected) if isinstance(rejected, list) else []
    return {item["index"]: str(item.get("error", "")) for item in items if isinstance(item.get("index"), int)}

"""A gateway that takes records of calls, as far as clients see it: `POST /v1/logs`, and batches if told so.

    with LogGateway() as gateway:
        sp = Spaturzu(base_url=gateway.url, api_key="any")

It counts each id once, as the published protocol asks (0.1.7, read 2026-11-22). `down()` refuses connections and `up()`
accepts them again on the same port.
"""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from .server import Action, HttpRequest, Port, Send, Wait


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What every request is answered with, after `delay_s`; a status below 300 stands for what it deserves.

    With `until`, it comes as soon as that is true, and not at all where it is not by then.
    """

    status: int = 200
    delay_s: float = 0.0
    until: Callable[[], object] | None = None
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    refused: frozenset[str] = frozenset()
    """Models whose entries are refused with 400."""


class LogGateway:
    """`entries` by id; `seen` counts how often each id came; `requests` what was asked for, without bodies."""

    def __init__(self, *, batches: bool = True, record: bool = True) -> None:
        self.batches, self._record = batches, record
        self.entries = dict[str, dict[str, Any]]()
        self.seen = Counter[str]()
        self.requests = list[HttpRequest]()
        self.answer = Answer()
        self._counting = threading.Lock()
        self._port = Port("spaturzu-gateway", self._respond)

    @property
    def url(self) -> str:
        """The base URL."""
        return f"http://127.0.0.1:{self._port.number}"

    def down(self) -> None:
        """Refuse connections."""
        self._port.refuse()

    def up(self) -> None:
        """Accept them."""
        self._port.listen()

    def close(self) -> None:
        """End for good."""
        self._port.close()

    def __enter__(self) -> Self:
        self.up()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _respond(self, request: HttpRequest) -> Iterator[Action]:
        answer = self.answer
        if self._record:
            self.requests.append(request)
        if answer.delay_s:
            yield Wait(answer.delay_s, answer.until)
        if answer.status >= 300:
            yield _http(answer.status, {"error": "as told"}, answer.headers)
        elif request.target == "/v1/logs":
            yield self._single(json.loads(request.body), answer)
        elif request.target == "/v1/logs/batch" and self.batches:
            yield self._batch(json.loads(request.body)["entries"], answer)
        else:
            yield _http(404, {"error": "no such path"})

    def _single(self, entry: dict[str, Any], answer: Answer) -> Send:
        if entry["model"] in answer.refused:
            return _http(400, {"error": "not this model"})
        return _http(201 if self._take(entry) else 200, {"requestId": entry["id"]})

    def _batch(self, entries: list[dict[str, Any]], answer: Answer) -> Send:
        rejected = [
            {"index": index, "error": "not this model"}
            for index, entry in enumerate(entries)
            if entry["model"] in answer.refused
        ]
        out = {item["index"] for item in rejected}
        fresh = sum(self._take(entry) for index, entry in enumerate(entries) if index not in out)
        return _http(200, {"accepted": fresh, "duplicates": len(entries) - len(out) - fresh, "rejected": rejected})

    def _take(self, entry: dict[str, Any]) -> bool:
        """Was it new?"""
        with self._counting:
            self.seen[entry["id"]] += 1
            return self.entries.setdefault(entry["id"], entry) is entry


def _http(status: int, body: Any, headers: Mapping[str, str] | None = None) -> Send:
    content = json.dumps(body).encode()
    lines = [f"HTTP/1.1 {status} Said", "content-type: application/json", f"content-length: {len(content)}"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    return Send("\r\n".join((*lines, "", "")).encode() + content)

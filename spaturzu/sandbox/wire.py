"""One provider of a sandbox: what it answers next, what it was asked, and the port it listens on."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import cast
from urllib.parse import urlsplit

from spaturzu_translators.messages import JSON, JSONObject, Provider

from .dialects import DIALECTS, Asked
from .errors import no_such_path, unreadable
from .faults import Refused, Step
from .ids import stamped
from .plans import Plan, error_plan, json_plan, plan, spoken
from .script import Script, Turn
from .server import Action, HttpRequest, Port, Send

_MOST_PLANS = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """A request as it arrived. `body` is parsed JSON, None where there is none; `time` is monotonic."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: JSON
    raw: bytes
    time: float


@dataclass(frozen=True, slots=True)
class _Kept:
    """A plan and what it was made of, held so that their ids stay theirs."""

    step: Step
    default: Step
    plan: Plan


class Wire:
    """One provider's server. Without a script it answers every request with the default reply, "Hello".

    Steps answer requests for generations only; model lists, embeddings, token counts and unknown paths stay.
    """

    def __init__(self, provider: Provider, serials: Iterator[str], *, record: bool = True) -> None:
        self.provider: Provider = provider
        self.requests: list[Received] = []
        """Every request since the start or the last reset."""
        self._dialect = DIALECTS[provider]
        self._serials = serials
        self._record = record
        self._lock = threading.RLock()
        self._script = Script()
        self._plans: dict[tuple[int, int, Asked], _Kept] = {}
        self._refusals = 0
        self._port: Port | None = None

    @property
    def url(self) -> str:
        """The base URL to hand to the provider's SDK."""
        return f"http://127.0.0.1:{self.port}{self._dialect.root}"

    @property
    def port(self) -> int:
        """The port of 127.0.0.1 that it listens on."""
        if self._port is None:
            raise RuntimeError("the sandbox is not running: use it as `with Sandbox() as sandbox:`")
        return self._port.number

    def reply(self, step: Step) -> None:
        """What answers a request when the script is empty: from now on, and as often as it comes."""
        with self._lock:
            self._script.set_default(step)
            self._settle()

    def script(self, *steps: Step) -> None:
        """Queue steps, before the default. Each answers one request; a fault as many as its `times`."""
        with self._lock:
            for step in steps:
                self._script.append(step)
            self._settle()

    def reset(self) -> None:
        """As new: no script, the default reply, no requests on record."""
        with self._lock:
            self._script = Script()
            self._plans.clear()
            self.requests = []
            self._settle()

    @contextmanager
    def refuse(self) -> Generator[None, None, None]:
        """The port is closed within the block: connections are refused."""
        self._refuse(+1)
        try:
            yield
        finally:
            self._refuse(-1)

    def start(self) -> None:
        """Listen on a free port of 127.0.0.1."""
        with self._lock:
            if self._port is None:
                self._port = Port(f"sandbox-{self.provider}", self._respond)
                self._settle()

    def close(self) -> None:
        """Stop listening and end every connection."""
        with self._lock:
            port, self._port = self._port, None
        if port is not None:
            port.close()

    def _refuse(self, more: int) -> None:
        with self._lock:
            self._refusals += more
            self._settle()

    def _settle(self) -> None:
        """Open or close the port as the next step wants it."""
        if self._port is None:
            return
        turn = self._script.next
        if isinstance(turn.step, Refused) or self._refusals:
            self._port.refuse()
            self._reopen_in_time(turn)
        else:
            self._port.listen()

    def _reopen_in_time(self, turn: Turn) -> None:
        """No request can use up a refusal, so a clock does; it starts once."""
        if not isinstance(turn.step, Refused) or turn.step.seconds is None or turn.until is not None:
            return
        turn.until = time.monotonic() + turn.step.seconds
        timer = threading.Timer(turn.step.seconds, self._refused_long_enough, (turn,))
        timer.daemon = True
        timer.start()

    def _refused_long_enough(self, turn: Turn) -> None:
        with self._lock:
            self._script.drop(turn)
            self._settle()

    def _respond(self, request: HttpRequest) -> Iterable[Action]:
        """The server's callback: note the request, find what answers it."""
        target = urlsplit(request.target)
        try:
            body = json.loads(request.body) if request.body else None
        except ValueError:
            body = None
        self._note(request, target.path, target.query, body)
        serial = next(self._serials)
        actions = self._plan(request.method, target.path, body, has_body=bool(request.body), serial=serial)
        return [Send(stamped(action.data, serial)) if isinstance(action, Send) else action for action in actions]

    def _note(self, request: HttpRequest, path: str, query: str, body: JSON) -> None:
        if self._record:
            received = Received(
                method=request.method,
                path=path,
                query=query,
                headers=request.headers,
                body=body,
                raw=request.body,
                time=time.monotonic(),
            )
            self.requests.append(received)

    def _plan(self, method: str, path: str, body: JSON, *, has_body: bool, serial: str) -> Plan:
        if has_body and not isinstance(body, dict):
            return error_plan(self._dialect, unreadable(self.provider, "The body is not a JSON object."))
        given = cast(JSONObject, body or {})
        asked = self._dialect.read(path, given) if method == "POST" else None
        if asked is not None:
            return self._generation(asked, serial)
        aside = self._dialect.aside(method, path, given)
        if aside is not None:
            return json_plan(self._dialect, aside)
        return error_plan(self._dialect, no_such_path(self.provider, f"{method} {path}"))

    def _generation(self, asked: Asked, serial: str) -> Plan:
        """Rendered once for each step and kind of request, except that tool calls need ids of their own."""
        with self._lock:
            step, default = self._script.take(time.monotonic()), self._script.reply
            self._settle()
        reply = spoken(step, default)
        if reply is not None and reply.tool_calls:
            return plan(step, asked, self._dialect, default, serial)
        key = (id(step), id(default), asked)
        kept = self._plans.get(key) or _Kept(step, default, plan(step, asked, self._dialect, default))
        if len(self._plans) >= _MOST_PLANS:
            self._plans.clear()
        self._plans[key] = kept
        return kept.plan

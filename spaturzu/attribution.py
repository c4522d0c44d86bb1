"""Whose call is it: run frames, nested by context. Read once, where a call enters, never inside a stream."""

from __future__ import annotations

import os
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar, Token
from random import Random
from types import TracebackType
from typing import TypeAlias

TagValue: TypeAlias = str | int | float | bool | None
Tags: TypeAlias = Mapping[str, TagValue]


class RunFrame:  # written out, as all that an import makes: each dataclass would take half a millisecond of it
    """One unit of work. `agent_path` leads from the outermost run to this one; all of a run share its `run_id`."""

    __slots__ = (
        "agent_name",
        "agent_path",
        "customer",
        "last_request_id",
        "parent_request_id",
        "run_id",
        "session_id",
        "tags",
    )

    def __init__(
        self,
        run_id: str,
        agent_name: str,
        agent_path: list[str],
        parent_request_id: str | None = None,
        last_request_id: str | None = None,
        tags: dict[str, str] | None = None,
        customer: str | None = None,
        session_id: str | None = None,
    ) -> None:
        self.run_id, self.agent_name, self.agent_path = run_id, agent_name, agent_path
        self.parent_request_id, self.last_request_id = parent_request_id, last_request_id
        self.tags: dict[str, str] = {} if tags is None else tags
        self.customer, self.session_id = customer, session_id

    def __repr__(self) -> str:
        said = ", ".join(f"{name}={getattr(self, name)!r}" for name in self.__slots__)
        return f"RunFrame({said})"


class Agent:
    """What a frame is opened with. `customer` (whom the work is for) and `session_id` hold for all inside of it."""

    __slots__ = ("customer", "name", "session_id", "tags")

    def __init__(
        self, name: str, tags: Tags | None = None, customer: str | None = None, session_id: str | None = None
    ) -> None:
        self.name, self.tags, self.customer, self.session_id = name, tags, customer, session_id


FRAME: ContextVar[RunFrame | None] = ContextVar("spaturzu_frame", default=None)


def get_current_frame() -> RunFrame | None:
    """The innermost run that this code is inside of; None outside of any."""
    return FRAME.get()


def child_frame(agent: Agent, parent: RunFrame | None) -> RunFrame:
    """A frame below `parent`: its run id, its path extended, its tags, customer and session where `agent` has none.

    Its parent request is the latest that `parent` had made when this frame was opened.
    """
    tags = as_tags(agent.tags)
    if parent is None:
        return RunFrame(
            uuid4(), agent.name, [agent.name], tags=tags, customer=agent.customer, session_id=agent.session_id
        )
    return RunFrame(
        parent.run_id,
        agent.name,
        [*parent.agent_path, agent.name],
        parent_request_id=parent.last_request_id,
        tags={**parent.tags, **tags},
        customer=agent.customer or parent.customer,
        session_id=agent.session_id or parent.session_id,
    )


@contextmanager
def inside(frame: RunFrame | None) -> Generator[None]:
    """Within the block, `frame` is the current one."""
    token = FRAME.set(frame)
    try:
        yield
    finally:
        FRAME.reset(token)


def as_tags(tags: Tags | None) -> dict[str, str]:
    """Values as the wire carries them: text; true and false in lower case, as in the Node SDK; None is left out."""
    return {name: _text(value) for name, value in (tags or {}).items() if value is not None}


def _text(value: TagValue) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


class run:  # noqa: N801 - the name that users know
    """`with run("agent") as frame:` or `async with`: every call inside is this agent's. Nests; one use at a time."""

    def __init__(
        self,
        agent_name: str,
        *,
        tags: Tags | None = None,
        customer: str | None = None,
        session_id: str | None = None,
    ) -> None:
        self._agent = Agent(agent_name, tags, customer, session_id)
        self._token: Token[RunFrame | None] | None = None

    def __enter__(self) -> RunFrame:
        """Open the frame."""
        if self._token is not None:
            raise RuntimeError(f"run({self._agent.name!r}) is open already; call run() anew for each with block")
        frame = child_frame(self._agent, FRAME.get())
        self._token = FRAME.set(frame)
        return frame

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        """Close it."""
        if self._token is not None:
            FRAME.reset(self._token)
            self._token = None

    async def __aenter__(self) -> RunFrame:
        """Open the frame."""
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        """Close it."""
        self.__exit__(kind, exc, tb)


_random = Random()  # noqa: S311 - ids have to differ, not to be secret
"""Not Python's own, which a program may seed; seeded anew after a fork. A system call for each id would cost more."""

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_random.seed)


def uuid4() -> str:
    """A random UUID: gateways of the published protocol ask for one where a run is named."""
    number = _random.getrandbits(128)
    number = number & ~(0xF << 76) | 0x4 << 76
    return _uuid(number & ~(0x3 << 62) | 0x2 << 62)


def uuid7(at: float | None = None) -> str:
    """A UUID of version 7 (RFC 9562): sorts by time, which is `at` (Unix seconds) or now."""
    ms, bits = int((time.time() if at is None else at) * 1000), _random.getrandbits(26)
    return "%08x-%04x-7%03x-%04x-%012x" % (  # noqa: UP031 - half the time of an f-string: every call has one
        ms >> 16,
        ms & 0xFFFF,
        bits & 0xFFF,
        0x8000 | bits >> 12,
        _random.getrandbits(48),
    )


def _uuid(number: int) -> str:
    text = f"{number:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"

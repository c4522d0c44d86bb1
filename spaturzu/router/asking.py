"""Whom to ask for a stream's usage: OpenAI's chat completions tell it only who asks (providers.md 1.7, 2026-11-22).

A compatible server may be too old for the question. One that complains of it is asked again without, and never more.
"""

from __future__ import annotations

import re
from typing import TypeAlias

Server: TypeAlias = tuple[str, int | None] | None
"""Host and port."""

_COMPLAINT = re.compile(rb"stream_options|include_usage|unrecognized|unknown|unexpected|\bextra\b|additional", re.I)
_REFUSING: set[Server] = set()


def may_ask(server: Server) -> bool:
    """Not those that complained in this process's lifetime."""
    return server not in _REFUSING


def complains(status: int, body: bytes) -> bool:
    """Is this an error over a parameter that may be ours? By its words: there is no code that all servers use."""
    return status in (400, 422) and _COMPLAINT.search(body) is not None


def remember(server: Server) -> None:
    """It complained."""
    _REFUSING.add(server)


def forget() -> None:
    """As in a new process."""
    _REFUSING.clear()

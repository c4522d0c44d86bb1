"""`client.responses.create`, of the same SDK as chat completions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from spaturzu_translators.requests import WireRequest

from . import openai
from .common import creating


def prepare(client: Any, wire: WireRequest, timeout_s: float | None, as_async: bool) -> Callable[[], Any]:
    """The bound `create`."""
    return openai.bound(creating(client.responses, stream=wire.stream), wire, timeout_s)


SDK = replace(openai.SDK, method="responses.create", prepare=prepare)

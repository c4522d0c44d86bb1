"""Tool names under Gemini's rule: a letter or `_`, then `[A-Za-z0-9_.:-]`, at most 128.

Source: providers.md 4.4, 2026-11-22.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from ..ids import short_hash, short_name
from ..messages import Text, ToolCall, ToolResult
from ..requests import Request, Tool

_LIMIT = 128
_CALLING = (ToolCall, ToolResult)
_RULE = re.compile(r"[A-Za-z_][A-Za-z0-9_.:-]{0,127}")
_FORBIDDEN = re.compile(r"[^A-Za-z0-9_.:-]")


def tool_names(request: Request) -> Mapping[str, str]:
    """The wire's name for every tool name that Gemini refuses."""
    return {name: _lawful(name) for name in _mentioned(request) if not _RULE.fullmatch(name)}


def _mentioned(request: Request) -> set[str]:
    names = {tool.name for tool in request.tools if isinstance(tool, Tool)}
    if request.tool_choice is not None:
        names.update(request.tool_choice.names)
    for message in request.messages:
        for part in message.parts:
            if type(part) is not Text and isinstance(part, _CALLING) and part.name:  # most are
                names.add(part.name)
    return names


def _lawful(name: str) -> str:
    """The hash keeps two names two."""
    return f"_{short_name(_FORBIDDEN.sub('_', name), _LIMIT - 10)}_{short_hash(name)}"

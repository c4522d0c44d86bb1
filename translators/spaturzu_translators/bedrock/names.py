"""Tool names under Bedrock's rule: `[a-zA-Z0-9_-]{1,64}` (service model, 2026-11-22)."""

from __future__ import annotations

import re

from ..ids import short_name

LIMIT = 64
_LEGAL = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_ILLEGAL = re.compile(r"[^a-zA-Z0-9_-]")


def wire_name(name: str, renamed: dict[str, str]) -> str:
    """`name` where Bedrock accepts it, else one that it accepts; that one is noted in `renamed`."""
    if _LEGAL.fullmatch(name):
        return name
    hashed = short_name(name.ljust(LIMIT + 1), LIMIT)[-9:]
    accepted = _ILLEGAL.sub("_", name)[: LIMIT - 9] + hashed
    renamed[accepted] = name
    return accepted

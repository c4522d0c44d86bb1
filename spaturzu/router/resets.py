"""When a used-up rate limit is reset, for a provider that says so in its headers and names no Retry-After."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from datetime import datetime

_OPENAI = re.compile(r"x-ratelimit-remaining-(requests|tokens)$")
_ANTHROPIC = re.compile(r"anthropic-ratelimit-(requests|tokens|input-tokens|output-tokens)-remaining$")
_SPAN = re.compile(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m(?!s))?(?:(\d+(?:\.\d+)?)s)?(?:(\d+(?:\.\d+)?)ms)?")
_UNITS = (86400.0, 3600.0, 60.0, 1.0, 0.001)


def reset_s(headers: Mapping[str, str], *, now: float | None = None) -> float | None:
    """Seconds until the last of the limits that have nothing left is reset; None where no header says.

    OpenAI and Mistral: `x-ratelimit-reset-tokens: 6m0s`. Anthropic: an RFC 3339 time (providers.md 1.8, 2.8,
    2026-11-22). Header names are lower case.
    """
    waits = [_wait(headers, name, now) for name, left in headers.items() if left.strip() == "0"]
    return max((wait for wait in waits if wait is not None), default=None)


def _wait(headers: Mapping[str, str], name: str, now: float | None) -> float | None:
    if found := _OPENAI.match(name):
        return _span(headers.get(f"x-ratelimit-reset-{found[1]}", ""))
    if found := _ANTHROPIC.match(name):
        return _until(headers.get(f"anthropic-ratelimit-{found[1]}-reset", ""), time.time() if now is None else now)
    return None


def _span(text: str) -> float | None:
    found = _SPAN.fullmatch(text.strip())
    if found is None or not any(found.groups()):
        return None
    return sum(float(amount or 0) * unit for amount, unit in zip(found.groups(), _UNITS, strict=True))


def _until(text: str, now: float) -> float | None:
    try:
        return max(0.0, datetime.fromisoformat(text).timestamp() - now)
    except ValueError:
        return None

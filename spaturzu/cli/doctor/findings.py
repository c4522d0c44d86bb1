"""What a check finds."""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Literal, TypeAlias

State: TypeAlias = Literal["ok", "note", "warning", "problem"]


@dataclass(frozen=True, slots=True)
class Finding:
    """`subject` is what was looked at. A warning may go well; a problem will not, and says what to do."""

    subject: str
    state: State
    said: str


def installed(distribution: str) -> str | None:
    """Its version; None where it is not installed."""
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None


def numbers(text: str) -> tuple[int, ...]:
    """A version to compare by: `3.54.0rc1` is (3, 54, 0)."""
    return tuple(int(part) for part in re.findall(r"\d+", re.split(r"[a-z+]", text, maxsplit=1)[0]))

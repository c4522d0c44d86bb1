"""What differs between the SDK generations that these tests run on: today's, and the one before (the legacy lane)."""

from __future__ import annotations

from importlib.metadata import version


def major(package: str) -> tuple[int, int]:
    """The installed version's first two numbers."""
    first, second, *_ = version(package).split(".")
    return int(first), int(second)


OPENAI_LEGACY = major("openai") < (3, 0)
ANTHROPIC_LEGACY = major("anthropic") < (1, 0)

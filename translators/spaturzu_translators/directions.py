"""The twenty directions by name: a caller's provider and the foreign target that serves it."""

from __future__ import annotations

from dataclasses import dataclass

from .messages import PROVIDERS, Provider


@dataclass(frozen=True, slots=True)
class Direction:
    """A call in `primary`'s shape, served by `target`."""

    primary: Provider
    target: Provider

    def __str__(self) -> str:
        return f"{self.primary}->{self.target}"


DIRECTIONS: tuple[Direction, ...] = tuple(
    Direction(primary, target) for primary in PROVIDERS for target in PROVIDERS if primary != target
)

"""`@value`: what every canonical value is, a dataclass that nobody changes."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(frozen_default=True, kw_only_default=True)
def value(cls: type[T]) -> type[T]:
    """A slotted, hashable, keyword-only dataclass that the type checker takes as frozen.

    An assignment to a field is an error for the type checker, and at run time in Python's development mode
    (`python -X dev`) only: `frozen=True` makes a value three times as dear, and one translation makes hundreds.
    """
    return dataclass(frozen=sys.flags.dev_mode, slots=True, kw_only=True, unsafe_hash=True)(cls)


@dataclass_transform(frozen_default=True)
def value_by_place(cls: type[T]) -> type[T]:
    """The same for what a translation makes most of: its fields may be given by place, in half the time."""
    return dataclass(frozen=sys.flags.dev_mode, slots=True, unsafe_hash=True)(cls)

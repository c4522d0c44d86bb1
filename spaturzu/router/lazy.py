"""`cached_property` without a lock: Python 3.11's holds one for all instances together, while it works.

A lock that is held during a decoding may be waited for by the watchdog, whose own is waited for by a finalizer that the
decoding sets off; and threads would decode one after the other. Two threads that ask at once may both work it out.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar, overload

T = TypeVar("T")


class cached_property(Generic[T]):  # noqa: N801 - as functools has it
    """Worked out when first asked for, and kept in the instance's `__dict__`."""

    def __init__(self, work: Callable[[Any], T]) -> None:
        self._work = work
        self.__doc__ = work.__doc__

    def __set_name__(self, owner: type[Any], name: str) -> None:
        self._name = name

    @overload
    def __get__(self, instance: None, owner: type[Any]) -> cached_property[T]: ...
    @overload
    def __get__(self, instance: object, owner: type[Any]) -> T: ...
    def __get__(self, instance: object | None, owner: type[Any]) -> T | cached_property[T]:
        if instance is None:
            return self
        value = instance.__dict__[self._name] = self._work(instance)
        return value

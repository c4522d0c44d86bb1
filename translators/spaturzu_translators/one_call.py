"""Parallel calls forbidden where a target can be told so in words only: of its answer, the first call is taken.

Source: providers.md 11.1 and 11.2, 2026-11-22. It works on canonical values, so on any target's answer.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from .events import ArgumentsDelta, Event, PartEnded, PartStarted, SignatureDelta, TextDelta
from .loss import Encoded, Loss
from .messages import ToolCall
from .responses import Candidate, Response


def is_asked_in_words(losses: Iterable[Loss]) -> bool:
    """Do the losses of an encoded request say that nothing but the model sees to it that there is one call?"""
    return any(loss.path == "parallel_tool_calls" and loss.kind == "emulated" for loss in losses)


def first_call(response: Response) -> Encoded[Response]:
    """The answer without its further calls, each of which is a loss."""
    lost: list[Loss] = []
    candidates = tuple([_with_one(number, each, lost) for number, each in enumerate(response.candidates)])
    return Encoded(replace(response, candidates=candidates) if lost else response, tuple(lost))


def _with_one(number: int, candidate: Candidate, lost: list[Loss]) -> Candidate:
    further = [index for index, part in enumerate(candidate.parts) if isinstance(part, ToolCall)][1:]
    if not further:
        return candidate
    lost += [_left_out(number, index) for index in further]
    return replace(candidate, parts=tuple(part for index, part in enumerate(candidate.parts) if index not in further))


def _left_out(candidate: int, index: int) -> Loss:
    return Loss(path=f"candidates[{candidate}].parts[{index}]", kind="dropped", matters="tuning")


class FirstCall:
    """The same for a stream, event by event. The parts after a call that is left out move up."""

    __slots__ = ("_called", "_left_out")

    def __init__(self) -> None:
        self._called: set[int] = set()
        self._left_out: list[tuple[int, int]] = []

    @property
    def losses(self) -> tuple[Loss, ...]:
        """The calls that were left out so far."""
        return tuple([_left_out(*place) for place in self._left_out])

    def event(self, event: Event) -> Event | None:
        """`event` as the caller is to see it; None where it is of a call that is left out."""
        if not isinstance(event, PartStarted | TextDelta | ArgumentsDelta | SignatureDelta | PartEnded):
            return event
        place = (event.candidate, event.index)
        if isinstance(event, PartStarted) and isinstance(event.part, ToolCall):
            if event.candidate in self._called:
                self._left_out.append(place)
            self._called.add(event.candidate)
        if place in self._left_out:
            return None
        before = sum(candidate == event.candidate and index < event.index for candidate, index in self._left_out)
        return replace(event, index=event.index - before) if before else event

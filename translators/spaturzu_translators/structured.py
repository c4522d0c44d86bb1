"""Structured output where a model has none: a forced tool whose arguments are the answer, unwrapped on the way back.

It works on canonical values, so any target that knows forced tools can serve a caller who asked for a JSON schema.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from .events import ArgumentsDelta, Event, Finished, PartStarted, TextDelta
from .loss import Encoded, Loss
from .messages import Part, Text, ToolCall
from .requests import Request, Tool, ToolChoice, WireRequest
from .responses import Candidate, Response

NAME = "structured_answer"
DESCRIPTION = "Give your answer by calling this, and nothing else."


def as_forced_tool(request: Request) -> Request | None:
    """The same request with its schema as a forced tool; None where it asks for no schema, or has tools of its own."""
    wanted = request.response_format
    if wanted is None or wanted.type != "json_schema" or wanted.schema is None or request.tools:
        return None
    tool = Tool(name=NAME, description=wanted.description or DESCRIPTION, parameters=wanted.schema)
    choice = ToolChoice(mode="required", names=(NAME,))
    return replace(request, response_format=None, tools=(tool,), tool_choice=choice, parallel_tool_calls=False)


def encode_request(
    request: Request, encode: Callable[[Request], Encoded[WireRequest]]
) -> tuple[Encoded[WireRequest], Request | None]:
    """What `encode` makes of `request`, or of it with its schema as a forced tool, where a schema is lost otherwise.

    That one comes second; the answer to it is to be unwrapped.
    """
    encoded = encode(request)
    if not any(loss.matters == "meaning" and loss.path.startswith("response_format") for loss in encoded.losses):
        return encoded, None
    forced = as_forced_tool(request)
    if forced is None:
        return encoded, None
    encoded = encode(forced)
    return replace(encoded, losses=_as_asked(encoded.losses)), forced


def _as_asked(losses: tuple[Loss, ...]) -> tuple[Loss, ...]:
    """The losses of the forced tool as one of the schema, for which the caller had asked."""
    of_tool = [loss for loss in losses if loss.path.startswith(("tool", "parallel_tool_calls"))]
    matters = "meaning" if any(loss.matters == "meaning" for loss in of_tool) else "tuning"
    rest = (loss for loss in losses if loss not in of_tool)
    return (*rest, Loss(path="response_format", kind="emulated", matters=matters))


def unwrapped(response: Response) -> Response:
    """The forced tool's arguments as the text that the caller expects."""
    return replace(response, candidates=tuple(map(_unwrapped_candidate, response.candidates)))


def _unwrapped_candidate(candidate: Candidate) -> Candidate:
    if not any(map(_is_answer, candidate.parts)):
        return candidate
    parts = tuple(
        Text(text=part.arguments) if isinstance(part, ToolCall) and _is_answer(part) else part
        for part in candidate.parts
    )
    reason = "stop" if candidate.finish_reason == "tool_calls" else candidate.finish_reason
    return replace(candidate, parts=parts, finish_reason=reason)


def _is_answer(part: Part) -> bool:
    return isinstance(part, ToolCall) and part.name == NAME


class Unwrapping:
    """The same for a stream, event by event."""

    __slots__ = ("_answers",)

    def __init__(self) -> None:
        self._answers: set[tuple[int, int]] = set()

    def event(self, event: Event) -> Event:
        """`event` as the caller is to see it."""
        match event:
            case PartStarted(part=ToolCall() as part) if _is_answer(part):
                self._answers.add((event.candidate, event.index))
                return replace(event, part=Text(text=part.arguments))
            case ArgumentsDelta() if (event.candidate, event.index) in self._answers:
                return TextDelta(index=event.index, text=event.arguments, candidate=event.candidate)
            case Finished(finish_reason="tool_calls") if any(place[0] == event.candidate for place in self._answers):
                return replace(event, finish_reason="stop")
            case _:
                return event

"""A history that ends with the assistant's turn, or with a user's that says nothing.

To Mistral (`prefix`), to Claude before 4.6 and so to their callers it is the beginning of the answer, which the model
goes on with. Claude from 4.6 on refuses it; OpenAI and Gemini take it, and answer anew. So a beginning is closed for
these by a turn of the user's that asks to go on, and reported; what a caller of OpenAI or Gemini ends with is no
beginning, and is closed only for a Claude that would refuse it.

OpenAI and Mistral take turns without a word, and requests of instructions alone; Gemini takes such turns as empty texts
(so recorded). Claude refuses both, and Converse. An empty turn of the user's is left out there; but where an answer
would then have the first or the last word, or nothing would be left, it says in words that it is empty.
Source: providers.md 2.3, 5.3, 10, 11.2 and 11.5, 2026-11-22.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from .loss import Losses
from .messages import JSONObject, Message, Opaque, Refusal, Text
from .provider_fields import MARK_ANEW
from .requests import Request

CONTINUE = "Go on from exactly where your answer stopped. Do not repeat any of it."
SILENT = "(This message is empty.)"
BEGIN = "Begin."


def noted(messages: tuple[Message, ...]) -> JSONObject:
    """What a decoder keeps of a history that its provider answers anew, whoever had the last word."""
    return {MARK_ANEW: True} if _ends_with_answer(messages) else {}


def told(request: Request, losses: Losses) -> Request:
    """The request for a model that answers every history anew: asked to go on, where the caller began the answer."""
    if not _ends_with_answer(request.messages):
        return request
    anew = any(MARK_ANEW in fields for fields in request.provider_fields.values())
    return request if anew else closed(request, losses)


def closed(request: Request, losses: Losses) -> Request:
    """The request for a model that refuses a history that ends with an answer."""
    if not _ends_with_answer(request.messages):
        return request
    losses.emulate(f"messages[{len(request.messages) - 1}]")
    return replace(request, messages=(*request.messages, Message("user", (Text(CONTINUE),))))


def trimmed(request: Request, losses: Losses) -> Request:
    """The request for a Claude that goes on: it refuses a beginning that ends in white space."""
    if not _ends_with_answer(request.messages):
        return request
    *before, last = request.messages
    *parts, end = last.parts
    if not isinstance(end, Text) or end.text == end.text.rstrip():
        return request
    losses.approximate(f"messages[{len(before)}].parts[{len(parts)}]")
    return replace(request, messages=(*before, replace(last, parts=(*parts, replace(end, text=end.text.rstrip())))))


def begun(request: Request, losses: Losses) -> Request:
    """The request for a model that refuses instructions alone."""
    if request.messages:
        return request
    losses.emulate("messages")
    return replace(request, messages=(Message("user", (Text(BEGIN),)),))


def spoken(request: Request, losses: Losses) -> Request:
    """The request for a model that refuses an empty turn, and instructions alone."""
    messages = request.messages
    if not messages:
        return begun(request, losses)
    first, last = messages[0], messages[-1]
    if not _is_silent(first) and (last is first or not _is_silent(last)):  # as nearly always
        return request
    turns = list(messages)
    for number in _silent_ends(messages):
        losses.emulate(f"messages[{number}]")
        turns[number] = replace(turns[number], parts=(Text(SILENT),))
    return replace(request, messages=tuple(turns))


def _silent_ends(messages: tuple[Message, ...]) -> Iterator[int]:
    """The user's empty turns without which an answer would have the first or the last word."""
    words = [number for number, message in enumerate(messages) if not _is_silent(message)]
    silent = [number for number, message in enumerate(messages) if message.role == "user" and _is_silent(message)]
    if words and messages[words[0]].role == "assistant":
        yield from [number for number in silent if number < words[0]][-1:]
    if not words or messages[words[-1]].role == "assistant":
        yield from [number for number in silent if not words or number > words[-1]][:1]


def _is_silent(message: Message) -> bool:
    for part in message.parts:  # no generator: every translation asks, and mostly the first part speaks
        if not isinstance(part, Text) or part.provider_fields or (part.text and not part.text.isspace()):
            return False
    return True


def _ends_with_answer(messages: tuple[Message, ...]) -> bool:
    """Is the last word the assistant's? One that waits for its provider's own tools (a paused turn) is not its last."""
    last = messages[-1] if messages else None
    if last is None or last.role != "assistant" or not last.parts:
        return False
    end = last.parts[-1]
    if not isinstance(end, Text | Refusal) or not end.text.strip():
        return False
    return not any(isinstance(part, Opaque) for part in last.parts)

"""Canonical messages as Gemini's `contents`: roles `user` and `model` only, results by name, signed calls."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import assert_never

from ..foreign import Stripped, strip_blocks
from ..loss import Joins, Losses
from ..messages import (
    Blob,
    File,
    JSONObject,
    Message,
    Opaque,
    Part,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
    ToolResult,
    Uri,
    only_text,
)
from ..requests import Request
from .detail import Media
from .fields import own_fields, put_own
from .model_facts import wants_signatures
from .parts import (
    SENTINEL,
    encode_call,
    encode_media,
    encode_refusal,
    encode_result,
    encode_text,
    encode_thought,
    is_read,
    is_sentinel,
)

MADE_UP_ID = re.compile(r"call_\d{1,5}_\d{1,5}")
"""Ids that `decode_request` gave where Gemini's caller gave none; they go back as none."""


def encode_messages(
    request: Request, names: Mapping[str, str], losses: Losses
) -> tuple[list[JSONObject], list[tuple[str, Media]]]:
    """The contents, and the media in them with their paths. `names` are the tool names that Gemini spells otherwise.

    It refuses a turn without parts.
    """
    history = _History(request, names, losses)
    contents: list[JSONObject] = []
    joins = Joins(losses)
    for number, message in enumerate(request.messages):
        says, role = True, message.role
        if not message.provider_fields and (text := only_text(message.parts)):
            content: JSONObject = {"role": _ROLES[role], "parts": [{"text": text}]}
        else:
            content = history.content(message, number)
            says = bool(content["parts"])
            if not says and _says_nothing(message):
                content["parts"] = [{"text": ""}]  # it may, and still be the first turn, or the last
            if not content["parts"]:
                if len(content) > 2:
                    losses.drop(f"messages[{number}]")
                continue
        contents.append(content)
        if role == "system":
            role = "user"
            if says:
                losses.emulate(f"messages[{number}]")
        joins.turn(number, role, own_fields(message.provider_fields), says)
    return contents, history.media


def _says_nothing(message: Message) -> bool:
    if not message.parts:
        return message.role == "user"
    return any(isinstance(part, Text) and not part.text for part in message.parts)


_ROLES = {"system": "user", "user": "user", "assistant": "model"}


class _History:
    """What a message's encoding must know of the messages before it: which call has which name."""

    __slots__ = ("_called", "_losses", "_names", "_signed", "media")

    def __init__(self, request: Request, names: Mapping[str, str], losses: Losses) -> None:
        self.media: list[tuple[str, Media]] = []
        self._called: dict[str, str] = {}
        self._names = names
        self._losses = losses
        self._signed = wants_signatures(request.model)

    def content(self, message: Message, number: int) -> JSONObject:
        """One turn."""
        parts = [
            wire
            for index, part in enumerate(message.parts)
            if (wire := self._part(part, f"messages[{number}].parts[{index}]")) is not None
        ]
        if self._signed and message.role == "assistant":
            sign(parts)
        content: JSONObject = {"role": _ROLES[message.role], "parts": parts}
        return put_own(content, message.provider_fields) if message.provider_fields else content

    def _part(self, part: Part, path: str) -> JSONObject | None:
        match part:
            case Text():
                if part.cache is not None:
                    self._losses.drop(f"{path}.cache")
                wire = encode_text(part.text, part.provider_fields)
                return wire if part.text or len(wire) > 1 else None
            case ToolCall():
                return self._call(part, path)
            case ToolResult():
                return self._result(part, path)
            case Reasoning():
                return encode_thought(part) if part.issuer == "gemini" else self._losses.drop(path)
            case Refusal():
                return encode_refusal(part, path, self._losses)
            case Opaque():
                return encode_media(part, path, self._losses)
            case Blob() | Uri() | File():
                self._met(part, path)
                return encode_media(part, path, self._losses)
            case _:
                assert_never(part)

    def _met(self, part: Media, path: str) -> None:
        if is_read(part):
            self.media.append((path, part))

    def _call(self, part: ToolCall, path: str) -> JSONObject:
        self._called[part.id] = part.name
        name = self._names.get(part.name, part.name)
        return encode_call(part, path, self._losses, name=name, named=not MADE_UP_ID.fullmatch(part.id))

    def _result(self, part: ToolResult, path: str) -> JSONObject:
        """Gemini demands the name; where nobody knows it, the id has to do."""
        for index, item in enumerate(part.content):
            if isinstance(item, Blob | Uri | File):
                self._met(item, f"{path}.content[{index}]")
        name = part.name or self._called.get(part.call_id) or part.call_id
        named = not MADE_UP_ID.fullmatch(part.call_id)
        return encode_result(part, path, self._losses, name=self._names.get(name, name), named=named)


def sign(parts: list[JSONObject]) -> None:
    """Gemini 3 wants the first call of a turn signed; the sentinel stands in for another provider's call."""
    for part in parts:
        if "functionCall" in part:
            part.setdefault("thoughtSignature", SENTINEL)
            return


def strip(body: JSONObject, model: str) -> Stripped:
    """A request without the thoughts of other providers, which have the sentinel for a signature."""
    return strip_blocks(body, "contents", "parts", _is_foreign)


def _is_foreign(part: JSONObject) -> bool:
    return part.get("thought") is True and is_sentinel(part.get("thoughtSignature"))

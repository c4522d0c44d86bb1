"""Usage that nobody reported: what a request and as much of its answer as came must have used, about."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import assert_never

from spaturzu_translators.messages import (
    Blob,
    File,
    Modality,
    Opaque,
    Part,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
    ToolResult,
    Uri,
)
from spaturzu_translators.requests import OpaqueTool, Request, Tool
from spaturzu_translators.responses import Response, Usage

from .tokens import TokenSource, count_tokens

MEDIA_TOKENS: dict[Modality, int] = {"image": 1_000, "audio": 500, "video": 3_000, "document": 3_000}
"""One item, whatever its size: a photograph of a megapixel, 15 s of speech, 10 s of film, two pages."""

MESSAGE_TOKENS = 4
"""What frames a turn."""


def estimate(request: Request, partial: Response | None) -> tuple[Usage, TokenSource]:
    """Input and output tokens, and who counted them. For the background: it may take some milliseconds.

    What `partial` reports of the input stands (Anthropic tells it first). Of the output, the larger: what was reported
    before a stream broke off was not the last word.
    """
    said = partial.usage if partial and partial.usage else Usage()
    output, source = count_tokens("\n".join(_answer_texts(partial)))
    read = said.input_tokens
    if read is None:
        text, source = count_tokens("\n".join(_request_texts(request)))
        read = text + MESSAGE_TOKENS * (len(request.messages) + bool(request.system)) + _media(request)
    return replace(said, input_tokens=read, output_tokens=max(output, said.output_tokens or 0)), source


def _request_texts(request: Request) -> Iterator[str]:
    yield from (part.text for part in request.system)
    for message in request.messages:
        yield from _texts(message.parts)
    for tool in request.tools:
        yield from _tool_texts(tool)
    if request.response_format and request.response_format.schema:
        yield json.dumps(request.response_format.schema)


def _tool_texts(tool: Tool | OpaqueTool) -> Iterator[str]:
    if isinstance(tool, OpaqueTool):
        yield json.dumps(tool.value)
        return
    yield tool.name
    yield tool.description or ""
    yield json.dumps(tool.parameters) if tool.parameters else ""


def _answer_texts(partial: Response | None) -> Iterator[str]:
    for candidate in partial.candidates if partial else ():
        yield from _texts(candidate.parts)


def _texts(parts: Iterable[Part]) -> Iterator[str]:
    for part in parts:
        match part:
            case Text() | Refusal() | Reasoning():
                yield part.text
            case ToolCall():
                yield part.name
                yield part.arguments
            case ToolResult():
                yield from _texts(part.content)
            case Opaque():
                yield json.dumps(part.value)
            case Blob() | Uri() | File():
                pass
            case _:
                assert_never(part)


def _media(request: Request) -> int:
    return sum(_media_tokens(part) for message in request.messages for part in message.parts)


def _media_tokens(part: Part) -> int:
    if isinstance(part, ToolResult):
        return sum(_media_tokens(inner) for inner in part.content)
    return MEDIA_TOKENS[part.modality] if isinstance(part, Blob | Uri | File) else 0

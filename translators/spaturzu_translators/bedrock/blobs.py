"""Between the wire's JSON, where blobs are base64 text, and boto3's dicts, where they are bytes.

Only the service model's blob positions change: a tool's own `{"source": {"bytes": ...}}` argument stays as it is.
Given base64 text, botocore would encode it once more, without a word (providers.md section 3.2, 2026-11-22).
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from typing import Any, TypeAlias, cast

from ..messages import JSON, JSONObject

_Convert: TypeAlias = Callable[[Any], Any]
_MEDIA = ("image", "document", "video", "audio")


def to_sdk(body: JSONObject) -> dict[str, Any]:
    """A wire body as keyword arguments for `client.converse`: blobs are bytes.

    Raises ValueError on bad base64, which is the caller's mistake: no BadWire, which says that an answer is broken.
    """
    return _converted(body, _to_bytes)


def from_sdk(answer: dict[str, Any]) -> JSONObject:
    """What boto3 returned (an answer, or one event of a stream) as wire JSON, without `ResponseMetadata`."""
    return _converted({name: value for name, value in answer.items() if name != "ResponseMetadata"}, _to_text)


def _to_bytes(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("bedrock request: a blob is not base64") from None


def _to_text(value: Any) -> Any:
    return base64.b64encode(value).decode() if isinstance(value, bytes | bytearray) else value


def _converted(body: JSONObject, convert: _Convert) -> JSONObject:
    """A copy of a request, a response or a stream event with its blobs converted."""
    return {name: _TOP[name](value, convert) if name in _TOP else value for name, value in body.items()}


def _within(value: JSON, name: str, convert: _Convert, inner: Callable[[Any, _Convert], Any]) -> JSON:
    """`value` with its member `name` converted by `inner`, where there is one."""
    found: JSON = value
    if not isinstance(value, dict) or name not in value:
        return found
    members = cast(JSONObject, value)
    return {**members, name: inner(members[name], convert)}


def _blocks(value: JSON, convert: _Convert) -> JSON:
    return [_block(block, convert) for block in cast("list[Any]", value)] if isinstance(value, list) else value


def _block(block: JSON, convert: _Convert) -> JSON:
    for name in _MEDIA:
        block = _within(block, name, convert, _media)
    block = _within(block, "reasoningContent", convert, _reasoning)
    block = _within(block, "toolResult", convert, _tool_result)
    return _within(block, "guardContent", convert, _guard)


def _media(value: JSON, convert: _Convert) -> JSON:
    return _within(value, "source", convert, _source)


def _source(value: JSON, convert: _Convert) -> JSON:
    return _within(value, "bytes", convert, _blob)


def _reasoning(value: JSON, convert: _Convert) -> JSON:
    return _within(value, "redactedContent", convert, _blob)


def _guard(value: JSON, convert: _Convert) -> JSON:
    return _within(value, "image", convert, _media)


def _tool_result(value: JSON, convert: _Convert) -> JSON:
    return _within(value, "content", convert, _blocks)


def _blob(value: JSON, convert: _Convert) -> JSON:
    return convert(value)


def _message(value: JSON, convert: _Convert) -> JSON:
    return _within(value, "content", convert, _blocks)


def _messages(value: JSON, convert: _Convert) -> JSON:
    return [_message(turn, convert) for turn in cast("list[Any]", value)] if isinstance(value, list) else value


def _output(value: JSON, convert: _Convert) -> JSON:
    return _within(value, "message", convert, _message)


def _delta_event(value: JSON, convert: _Convert) -> JSON:
    return _within(value, "delta", convert, _block)


_TOP: dict[str, Callable[[Any, _Convert], Any]] = {
    "messages": _messages,
    "system": _blocks,
    "output": _output,
    "contentBlockDelta": _delta_event,
}

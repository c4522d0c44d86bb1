"""How closely Gemini looks at media: `generationConfig.mediaResolution` for all of a request, or a part's own.

A foreign caller's details become the one of all: API version `v1`, the SDK's default, knows none of a part
(ai.google.dev/gemini-api/docs/generate-content/media-resolution, read 2026-11-30, has it from v1beta on).
What stands where: providers.md 4.2 and 11.1, 2026-11-22; google-genai 3.4.0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, TypeAlias

from ..loss import Losses
from ..messages import JSON, NOTHING, Blob, Detail, File, JSONObject, Message, Part, ToolResult, Uri
from ..provider_fields import MARK_PART

Media: TypeAlias = Blob | Uri | File
_LEVELS: dict[Detail, str] = {
    "low": "MEDIA_RESOLUTION_LOW",
    "medium": "MEDIA_RESOLUTION_MEDIUM",
    "high": "MEDIA_RESOLUTION_HIGH",
    "ultra_high": "MEDIA_RESOLUTION_ULTRA_HIGH",
}
"""Of all media there is no ULTRA_HIGH."""
_RANKS: dict[Detail, int] = {"ultra_high": 1, "high": 2, "medium": 3, "low": 4}
_TOLD: dict[int, Detail | None] = {0: None, 1: "high", 2: "high", 3: "medium", 4: "low"}
"""What is told of all media for the most that is asked for of one."""
_DETAILS: dict[JSON, Detail] = {level: detail for detail, level in _LEVELS.items()}
SETTING = "mediaResolution"


def own_detail(part: JSONObject) -> tuple[Detail | None, JSONObject]:
    """A part's own detail, and the part with our note in its place."""
    match part.get(SETTING):
        case {"level": str(level), **rest} if not rest and level in _DETAILS:
            return _DETAILS[level], {name: item for name, item in part.items() if name != SETTING} | {MARK_PART: True}
        case _:
            return None, part


def put_detail(wire: JSONObject, detail: Detail | None) -> JSONObject:
    """`wire` with the detail that its caller asked for by itself."""
    if wire.pop(MARK_PART, False) and detail is not None:
        wire[SETTING] = {"level": _LEVELS[detail]}
    return wire


def is_by_itself(part: Media) -> bool:
    """Did Gemini's caller ask for its detail by itself?"""
    return MARK_PART in part.provider_fields.get("gemini", NOTHING)


def with_detail(messages: tuple[Message, ...], level: JSON) -> tuple[Message, ...] | None:
    """The messages, with the detail of all media on each; None where nothing in them has one, or nobody knows it."""
    detail = _DETAILS.get(level)
    if detail is None or not any(_has_detail(part) for message in messages for part in message.parts):
        return None
    return tuple(
        replace(message, parts=tuple(_looked_at(part, detail) for part in message.parts)) for message in messages
    )


def _has_detail(part: Part) -> bool:
    if isinstance(part, ToolResult):
        return any(map(_has_detail, part.content))
    return isinstance(part, Blob | Uri | File) and is_seen(part) and not is_by_itself(part)


def is_seen(part: Media) -> bool:
    """Is it something to look at? Every level hears alike."""
    return part.modality != "audio"


def _looked_at(part: Any, detail: Detail) -> Any:
    if isinstance(part, ToolResult):
        return replace(part, content=tuple(_looked_at(item, detail) for item in part.content))
    return replace(part, detail=detail) if _has_detail(part) else part


def encode_detail(media: Sequence[tuple[str, Media]], losses: Losses) -> str | None:
    """The one resolution for what was asked of each: the highest. Where some ask for none, it takes nothing away."""
    seen = [(path, part) for path, part in media if not is_by_itself(part)]
    ranks = [0 if part.detail is None else _RANKS[part.detail] for _, part in seen if is_seen(part)]
    wanted = _TOLD[min(filter(None, ranks), default=0)]
    if wanted != "high" and 0 in ranks:
        wanted = None
    for path, part in seen:
        if part.detail != (wanted if is_seen(part) else None):
            losses.approximate(f"{path}.detail") if wanted and is_seen(part) else losses.drop(f"{path}.detail")
    return wanted and _LEVELS[wanted]

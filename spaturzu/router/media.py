"""Media by reference for targets that take bytes only: which parts, and those parts with their bytes. No I/O here."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from spaturzu_translators.loss import Loss
from spaturzu_translators.messages import Blob, Message, Part, ToolResult, Uri
from spaturzu_translators.requests import Request


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchLimits:
    """`max_bytes` of one item; prefixes of media `types`; `private`: addresses of this host and network too."""

    max_bytes: int = 20 * 1024 * 1024
    types: tuple[str, ...] = ("image/", "application/pdf", "audio/", "video/", "text/")
    private: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Media:
    """What stood behind a URI: `data` is base64 text."""

    media_type: str
    data: str


_PLACE = re.compile(r"messages\[(\d+)\]\.parts\[(\d+)\](?:\.content\[(\d+)\])?")


def lost_uris(request: Request, losses: Iterable[Loss]) -> Iterator[str]:
    """The http(s) references among the parts whose loss matters."""
    for loss in losses:
        place = _PLACE.match(loss.path) if loss.matters == "meaning" else None
        part = _part_at(request, place) if place else None
        if isinstance(part, Uri) and part.uri.startswith(("http://", "https://")):
            yield part.uri


def _part_at(request: Request, place: re.Match[str]) -> Part | None:
    message, index, inner = place.groups()
    part = request.messages[int(message)].parts[int(index)]
    return part.content[int(inner)] if inner is not None and isinstance(part, ToolResult) else part


def inlined(request: Request, media: Mapping[str, Media]) -> Request:
    """The request with these references replaced by their bytes."""
    return replace(request, messages=tuple(_message(message, media) for message in request.messages))


def _message(message: Message, media: Mapping[str, Media]) -> Message:
    return replace(message, parts=tuple(_part(part, media) for part in message.parts))


def _part(part: Part, media: Mapping[str, Media]) -> Part:
    match part:
        case ToolResult():
            content = tuple(_blob(inner, media) if isinstance(inner, Uri) else inner for inner in part.content)
            return replace(part, content=content)
        case Uri():
            return _blob(part, media)
        case _:
            return part


def _blob(part: Uri, media: Mapping[str, Media]) -> Blob | Uri:
    found = media.get(part.uri)
    if found is None:
        return part
    return Blob(
        modality=part.modality,
        media_type=found.media_type,
        data=found.data,
        name=part.name,
        detail=part.detail,
        cache=part.cache,
        provider_fields=part.provider_fields,
    )

"""Images, documents, audio and video: formats by name on Bedrock's wire, media types in the canonical form.

Formats: the botocore 1.44.5 service model (providers.md section 3.3, 2026-11-22).
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from typing import Any

from ..loss import Losses
from ..messages import JSON, NOTHING, Blob, JSONObject, Modality, Uri
from ..provider_fields import with_shared
from .wire import OWN, a_text, an_object, expected, keep, own_fields, rest, text_at

_OFFICE = "application/vnd.openxmlformats-officedocument."
MEDIA_TYPES: dict[Modality, dict[str, str]] = {
    "image": {"png": "image/png", "jpeg": "image/jpeg", "gif": "image/gif", "webp": "image/webp"},
    "document": {
        "pdf": "application/pdf",
        "csv": "text/csv",
        "doc": "application/msword",
        "docx": _OFFICE + "wordprocessingml.document",
        "xls": "application/vnd.ms-excel",
        "xlsx": _OFFICE + "spreadsheetml.sheet",
        "html": "text/html",
        "txt": "text/plain",
        "md": "text/markdown",
    },
    "video": {
        "mp4": "video/mp4",
        "mov": "video/quicktime",
        "mkv": "video/x-matroska",
        "webm": "video/webm",
        "flv": "video/x-flv",
        "mpeg": "video/mpeg",
        "mpg": "video/mpeg",
        "wmv": "video/x-ms-wmv",
        "three_gp": "video/3gpp",
    },
    "audio": {
        "mp3": "audio/mpeg",
        "wav": "audio/wav",
        "ogg": "audio/ogg",
        "opus": "audio/opus",
        "aac": "audio/aac",
        "x-aac": "audio/aac",
        "flac": "audio/flac",
        "mp4": "audio/mp4",
        "m4a": "audio/mp4",
        "mpeg": "audio/mpeg",
        "mpga": "audio/mpeg",
        "mkv": "audio/x-matroska",
        "mka": "audio/x-matroska",
        "pcm": "audio/pcm",
        "webm": "audio/webm",
    },
}
_FORMATS: dict[Modality, dict[str, str]] = {
    modality: {media_type: name for name, media_type in reversed(names.items())}
    for modality, names in MEDIA_TYPES.items()
}
_ALIASES: dict[str, str] = {
    "image/jpg": "image/jpeg",
    "audio/mp3": "audio/mpeg",
    "audio/x-wav": "audio/wav",
    "audio/wave": "audio/wav",
    "audio/x-flac": "audio/flac",
    "audio/m4a": "audio/mp4",
    "audio/x-m4a": "audio/mp4",
    "video/mov": "video/quicktime",
    "video/avi": "video/x-msvideo",
    "video/wmv": "video/x-ms-wmv",
    "video/mpg": "video/mpeg",
    "text/x-markdown": "text/markdown",
    "text/md": "text/markdown",
}
_KNOWN = frozenset({"format", "source", "name"})
_OVERRIDES = frozenset({"format", "source", "name", "bucketOwner"})
_ILLEGAL_IN_NAME = re.compile(r"[^a-zA-Z0-9\-()\[\]]+")


def decode_media(modality: Modality, media: JSONObject, where: str) -> Blob | Uri | None:
    """A media block's value; None where it has a format or a source without canonical name."""
    source = an_object(media, "source", where)
    name = text_at(media, "format", where) or ("txt" if "text" in source else "")
    media_type = MEDIA_TYPES[modality].get(name)
    if media_type is None or len(source) != 1:
        return None
    own = dict(rest(media, _KNOWN))
    if _FORMATS[modality][media_type] != name:
        own["format"] = name
    return _with_source(modality, media_type, _name(media, where, own), source, own, f"{where}.source")


def _name(media: JSONObject, where: str, own: JSONObject) -> str | None:
    name = text_at(media, "name", where)
    if name is not None and legal_name(name) != name:
        own["name"] = name
    return name


def _with_source(
    modality: Modality, media_type: str, name: str | None, source: JSONObject, own: JSONObject, where: str
) -> Blob | Uri | None:
    ((kind, value),) = source.items()
    match kind:
        case "bytes":
            data = a_text(source, kind, where)
        case "text":
            own["source"] = "text"
            data = base64.b64encode(a_text(source, kind, where).encode()).decode()
        case "s3Location":
            return _at_s3(modality, media_type, name, an_object(source, kind, where), own, f"{where}.s3Location")
        case _:
            return None if isinstance(value, dict | list) else expected(value, "an object", f"{where}.{kind}")
    return Blob(
        modality=modality, media_type=media_type, data=data, name=name, provider_fields=keep(own) if own else NOTHING
    )


def _at_s3(
    modality: Modality, media_type: str, name: str | None, location: JSONObject, own: JSONObject, where: str
) -> Uri:
    owner = text_at(location, "bucketOwner", where)
    if owner is not None:
        own["bucketOwner"] = owner
    return Uri(
        modality=modality,
        media_type=media_type,
        uri=a_text(location, "uri", where),
        name=name,
        provider_fields=keep(own) if own else NOTHING,
    )


def encode_media(
    part: Blob | Uri, path: str, losses: Losses, used_names: set[str], *, claude: bool
) -> JSONObject | None:
    """The block of a part; None, and reported, where Bedrock has no format or no source for it.

    A Claude cites documents for an Anthropic caller here too, and neither hears nor watches (providers.md 2.3, 11.1).
    """
    own = own_fields(part.provider_fields)
    if alike := with_shared(OWN, part.provider_fields, own):
        own = _cited(part, alike, own, path, losses, claude=claude)
    source = _source(part, own)
    media_type = part.media_type and _ALIASES.get(part.media_type, part.media_type)
    name = own.get("format") or _FORMATS[part.modality].get(media_type or "")
    unheard = claude and part.modality in ("audio", "video")
    if source is None or name is None or unheard:
        losses.drop(path, "meaning")
        return None
    if media_type != part.media_type:
        losses.approximate(f"{path}.media_type")
    if part.detail is not None:
        losses.drop(f"{path}.detail")
    media: JSONObject = {"format": name, "source": source, **rest(own, _OVERRIDES)}
    if part.modality == "document":
        media["name"] = own.get("name") or _document_name(part, path, losses, used_names)
    elif part.name is not None:
        losses.drop(f"{path}.name")
    return {part.modality: media}


def _cited(
    part: Blob | Uri, alike: Mapping[str, JSON], own: JSONObject, path: str, losses: Losses, *, claude: bool
) -> JSONObject:
    """`own` with what an Anthropic caller said alike, where the model is one that knows it."""
    if claude and part.modality == "document":
        return dict(alike)
    for name in alike.keys() - own.keys():
        losses.drop(f"{path}.provider_fields.anthropic.{name}")
    return own


def _source(part: Blob | Uri, own: JSONObject) -> JSONObject | None:
    if isinstance(part, Blob):
        text = _text_of(part.data) if own.get("source") == "text" else None
        return {"bytes": part.data} if text is None else {"text": text}
    if not part.uri.startswith("s3://"):
        return None
    location: dict[str, Any] = {"uri": part.uri}
    if "bucketOwner" in own:
        location["bucketOwner"] = own["bucketOwner"]
    return {"s3Location": location}


def _text_of(data: str) -> str | None:
    try:
        return base64.b64decode(data, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return None


def _document_name(part: Blob | Uri, path: str, losses: Losses, used: set[str]) -> str:
    """A legal name that no other document of the call has: Bedrock demands both."""
    wanted = legal_name(part.name or "") or "document"
    name, number = wanted, 2
    while name in used:
        name, number = f"{wanted[:190]} {number}", number + 1
    used.add(name)
    if name != part.name:
        losses.approximate(f"{path}.name")
    return name


def legal_name(name: str) -> str:
    """`name` with what Bedrock forbids in a document's name (full stops, for one) turned into single spaces."""
    return _ILLEGAL_IN_NAME.sub(" ", name)[:200].strip()

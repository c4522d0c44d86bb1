"""Media: the type that an address's last letters promise, and OpenAI's and Mistral's words for a picture's detail."""

from __future__ import annotations

from .messages import JSON, Detail

DETAILS: dict[JSON, Detail] = {"low": "low", "high": "high", "original": "ultra_high"}
"""A picture's `detail`; `auto` says nothing. Source: providers.md 1.3 and 5.3, 2026-11-22."""
DETAIL_WORDS: dict[Detail, str] = {detail: word for word, detail in DETAILS.items()}

_BY_SUFFIX = {
    "png": "image/png",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "gif": "image/gif",
    "webp": "image/webp",
    "heic": "image/heic",
    "pdf": "application/pdf",
    "txt": "text/plain",
    "md": "text/markdown",
    "csv": "text/csv",
    "html": "text/html",
    "mp3": "audio/mpeg",
    "wav": "audio/wav",
    "ogg": "audio/ogg",
    "flac": "audio/flac",
    "mp4": "video/mp4",
    "mov": "video/quicktime",
    "webm": "video/webm",
}


def type_by_suffix(uri: str) -> str | None:
    """The media type that an address promises; to leave it unsaid loses nothing."""
    return _BY_SUFFIX.get(uri.partition("#")[0].partition("?")[0].rpartition(".")[2].lower())

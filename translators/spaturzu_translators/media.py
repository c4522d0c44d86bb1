"""Media types: what an address's last letters promise."""

from __future__ import annotations

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

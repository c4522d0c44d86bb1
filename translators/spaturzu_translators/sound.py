"""Answers one can hear: OpenAI's chat and Gemini have them, each in words of its own.

OpenAI gives one file of a format that was asked for, with a transcript; Gemini PCM at 24 kHz, in one part or many.
Voices have names of their provider's. Source: providers.md 10, 11.1 and 11.4, 2026-11-22; openai 3.54.0 and
google-genai 3.4.0; that Gemini speaks PCM: ai.google.dev/gemini-api/docs/speech-generation.
"""

from __future__ import annotations

import base64
import binascii
import re

from .ids import short_hash
from .messages import Blob, JSONObject, Opaque, is_object

PCM_FORMAT, PCM = "pcm16", "audio/L16;codec=pcm;rate=24000"
_STARTS = {"UklGR": "audio/wav", "SUQz": "audio/mpeg", "//": "audio/mpeg", "ZkxhQ": "audio/flac", "T2dnUw": "audio/ogg"}
_RATE = re.compile(r"rate=(\d{4,6})")
OURS = "audio_spaturzu_"


def is_googles(voice: str) -> bool:
    """Is it one of Google's voices? They are called like stars (Kore, Puck), OpenAI's like stones (onyx)."""
    return voice[:1].isupper()


def heard(part: Opaque) -> Blob | None:
    """What OpenAI's `message.audio` sounds like; None where it is another part, or only names one that was heard."""
    audio = part.value.get("audio") if part.issuer == "openai" and is_object(part.value) else None
    data = audio.get("data") if is_object(audio) else None
    if not isinstance(data, str):
        return None
    kind = next((kind for start, kind in _STARTS.items() if data.startswith(start)), PCM)
    return Blob(modality="audio", media_type=kind, data=data)


def spoken(sounds: list[Blob], wanted: str | None) -> JSONObject:
    """`message.audio` for a caller who asked for the format `wanted`. Its id is no one's: nothing can refer to it."""
    data = _joined(sounds)
    if wanted == "wav" and _is_pcm(sounds[0]):
        data = _wav(data, sounds[0].media_type)
    return {"id": f"{OURS}{short_hash(data)}", "data": data, "expires_at": 0, "transcript": ""}


def joins(sounds: list[Blob], more: Blob) -> bool:
    """Does it go on with what was heard? Only raw samples do."""
    return not sounds or (_is_pcm(more) and sounds[0].media_type == more.media_type)


def _is_pcm(sound: Blob) -> bool:
    return sound.media_type.lower().startswith(("audio/l16", "audio/pcm"))


def _joined(sounds: list[Blob]) -> str:
    if len(sounds) == 1:
        return sounds[0].data
    return base64.b64encode(b"".join(map(_bytes, sounds))).decode()


def _bytes(sound: Blob) -> bytes:
    try:
        return base64.b64decode(sound.data)
    except binascii.Error:
        return b""


def _wav(data: str, media_type: str) -> str:
    """One channel of 16 bits, as a RIFF file."""
    found = _RATE.search(media_type)
    rate = int(found[1]) if found else 24_000
    samples = base64.b64decode(data)
    numbers = [(16, 4), (1, 2), (1, 2), (rate, 4), (rate * 2, 4), (2, 2), (16, 2)]
    form = b"fmt " + b"".join(number.to_bytes(size, "little") for number, size in numbers)
    body = b"WAVE" + form + b"data" + len(samples).to_bytes(4, "little") + samples
    return base64.b64encode(b"RIFF" + len(body).to_bytes(4, "little") + body).decode()

"""JSON text within JSON, as in a call's arguments: one reader and two writers, made once (a `json.dumps` with options
makes an encoder every time).
"""

from __future__ import annotations

import json
from typing import NoReturn

from .messages import JSON, JSONObject, is_object

dumps = json.JSONEncoder(ensure_ascii=False).encode
compact_dumps = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


_DECODER = json.JSONDecoder(parse_constant=_no_constant)


def parsed(text: str) -> JSON:
    """The value that `text` writes. Raises ValueError where it is not JSON, and NaN and Infinity are not."""
    try:
        if text[:1] == "{":  # nearly always, and then the decoder has no white space to look for
            value, end = _DECODER.raw_decode(text)
            if end == len(text):
                return value
        return _DECODER.decode(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def parsed_object(text: str) -> JSONObject | None:
    """The JSON object that `text` writes, if it writes one."""
    try:
        value = parsed(text)
    except ValueError:
        return None
    return value if is_object(value) else None

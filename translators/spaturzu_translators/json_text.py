"""JSON text within JSON, as in a call's arguments: one reader and two writers, made once.

`json.dumps` makes an encoder for every call that has options, and `JSONEncoder.encode` half of one; for the small
objects that stand in arguments that is most of the time.
"""

from __future__ import annotations

import json
import json.encoder as implementation
from collections.abc import Callable
from typing import Any, NoReturn

from .codec import BadWire
from .messages import JSON, JSONObject, is_object


def _writer(separators: tuple[str, str]) -> Callable[[JSON], str]:
    """`JSONEncoder(ensure_ascii=False, separators=...).encode`, keeping the C encoder that it makes each time."""
    slow = json.JSONEncoder(ensure_ascii=False, separators=separators)
    make: Any = getattr(implementation, "c_make_encoder", None)
    if make is None:
        return slow.encode
    item, key = separators
    chunks = make(None, slow.default, implementation.encode_basestring, None, key, item, False, False, True)

    def write(value: JSON) -> str:
        try:
            return "".join(chunks(value, 0))
        except RecursionError:
            raise BadWire("nested too deeply") from None

    return write


dumps = _writer((", ", ": "))
compact_dumps = _writer((",", ":"))


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

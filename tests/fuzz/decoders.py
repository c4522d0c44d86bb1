"""Every decoder under atheris: nothing but BadWire may come out. Not part of the test run, and without an end.

    pip install atheris          # CPython 3.11 to 3.13 on Linux
    python tests/fuzz/decoders.py -max_total_time=600 [folder of inputs to begin with]

The first byte of an input chooses the codec, the second the decoder; the rest is what came over the wire.
A crash is left in `crash-...`; run the script with that file to see it again.
"""

from __future__ import annotations

import contextlib
import json
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "translators"))

import atheris  # noqa: E402

with atheris.instrument_imports(include=["spaturzu_translators"]):
    from spaturzu_translators import PROVIDERS, BadWire, codec
    from spaturzu_translators.codec import MalformedFrame
    from spaturzu_translators.failures import ErrorReply
    from spaturzu_translators.requests import WireRequest

    CODECS = [codec(provider) for provider in PROVIDERS]


def fuzz(data: bytes) -> None:
    """One input to one decoder."""
    if len(data) < 2:
        return None
    c, which, rest = CODECS[data[0] % len(CODECS)], data[1] % 5, data[2:]
    if which == 0:
        return _bytes(c, rest)
    try:
        value: Any = json.loads(rest)
    except (ValueError, RecursionError):
        return None
    with contextlib.suppress(BadWire):
        match which:
            case 1:
                c.decode_request(WireRequest(body=value, model="m"))
            case 2:
                c.decode_response(value, "m")
            case 3:
                _frames(c, value if isinstance(value, list) else [value])
            case _:
                c.decode_error(ErrorReply(status=400, body=value))
    return None


def _bytes(c: Any, data: bytes) -> None:
    framer = c.framer()
    half = len(data) // 2
    frames = [*framer.feed(data[:half]), *framer.feed(data[half:]), *framer.close()]
    with contextlib.suppress(BadWire):
        _frames(c, [frame for frame in frames if not isinstance(frame, MalformedFrame)])


def _frames(c: Any, frames: list[Any]) -> None:
    decoder = c.stream_decoder("m")
    for frame in frames:
        if isinstance(frame, dict):
            decoder.feed(frame)
    decoder.close()


if __name__ == "__main__":
    atheris.Setup(sys.argv, fuzz)
    atheris.Fuzz()

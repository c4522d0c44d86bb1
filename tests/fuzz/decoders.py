"""Every decoder under atheris, which looks for inputs that take new ways through it: only BadWire may come out.

`tests/translators/test_fuzz.py` runs it for a bounded number of inputs. By hand, for as long as one likes:

    python tests/fuzz/decoders.py -max_total_time=600 [folder of inputs to begin with]

The first byte of an input chooses the codec, the second the decoder; the rest is what came over the wire.
A crash is left in `crash-...`; run the script with that file to see it again.
`--seeds FOLDER` writes inputs to begin with, made of the repository's fixtures, and ends.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "translators"))

import atheris  # noqa: E402

with atheris.instrument_imports(include=["spaturzu_translators"]):
    from spaturzu_translators import WIRES, BadWire, codec
    from spaturzu_translators.codec import MalformedFrame
    from spaturzu_translators.failures import ErrorReply
    from spaturzu_translators.requests import WireRequest

    CODECS = [codec(wire) for wire in WIRES]

KINDS = ("streams", "requests", "responses", "frames", "errors")
"""What the second byte chooses: bytes of a stream, or JSON of one of the others."""


def fuzz(data: bytes) -> None:
    """One input to one decoder."""
    if len(data) < 2:
        return None
    c, kind, rest = CODECS[data[0] % len(CODECS)], KINDS[data[1] % len(KINDS)], data[2:]
    if kind == "streams":
        return _bytes(c, rest)
    try:
        value: Any = json.loads(rest)
    except (ValueError, RecursionError):
        return None
    with contextlib.suppress(BadWire):
        match kind:
            case "requests":
                c.decode_request(WireRequest(body=value, model="m"))
            case "responses":
                c.decode_response(value, "m")
            case "frames":
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


def write_seeds(folder: Path) -> None:
    """One input for each fixture, as JSON and, for streams, as bytes too."""
    for number, c in enumerate(CODECS):
        for path in sorted((ROOT / "fixtures" / c.wire).glob("*/*.json")):
            fixture, kind = json.loads(path.read_text("utf-8")), path.parent.name
            name = f"{c.wire}-{kind}-{path.stem}"
            if kind == "streams":
                wire = b"".join(map(c.frame, fixture["frames"])) + c.end
                (folder / name).write_bytes(bytes([number, 0]) + wire)
            body = json.dumps(fixture["frames"] if kind == "streams" else fixture["body"]).encode()
            (folder / f"{name}.json").write_bytes(
                bytes([number, KINDS.index("frames" if kind == "streams" else kind)]) + body
            )


if __name__ == "__main__":
    if sys.argv[1:2] == ["--seeds"]:
        write_seeds(Path(sys.argv[2]))
        os._exit(0)  # atheris has handlers that wait for a fuzzer
    atheris.Setup(sys.argv, fuzz)
    atheris.Fuzz()

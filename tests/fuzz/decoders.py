"""Every decoder under atheris, which looks for inputs that take new ways through it: only BadWire may come out.

`tests/translators/test_fuzz.py` runs it for a bounded number of inputs. By hand, for as long as one likes:

    python tests/fuzz/decoders.py -max_total_time=600 [folder of inputs to begin with]

The first byte of an input chooses the codec, the second the decoder, the third the codec that has to encode what was
decoded; the rest is what came over the wire. Half of the inputs are changed as JSON, not as bytes: most changes of
bytes give no JSON at all, and then no decoder sees them.
A crash is left in `crash-...`; run the script with that file to see it again.
`--seeds FOLDER` writes inputs to begin with, made of the repository's fixtures, and ends.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import sys
from functools import partial
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "translators"))

import atheris  # noqa: E402

with atheris.instrument_imports(include=["spaturzu_translators"]):
    from spaturzu_translators import WIRES, BadWire, codec
    from spaturzu_translators.codec import MalformedFrame
    from spaturzu_translators.failures import ErrorReply
    from spaturzu_translators.requests import Request, WireRequest

    CODECS = [codec(wire) for wire in WIRES]

KINDS = ("streams", "requests", "responses", "frames", "errors", "strip")
"""What the second byte chooses: bytes of a stream, or JSON of one of the others."""
HEAD = 3
ASKED = Request(model="m", messages=())


def fuzz(data: bytes) -> None:
    """One input to one decoder, and what comes out of it to one encoder."""
    if len(data) < HEAD:
        return None
    kind, rest = KINDS[data[1] % len(KINDS)], data[HEAD:]
    c, other = CODECS[data[0] % len(CODECS)], CODECS[data[2] % len(CODECS)]
    if kind == "streams":
        return _bytes(c, other, rest)
    try:
        value: Any = json.loads(rest)
    except (ValueError, RecursionError):
        return None
    with contextlib.suppress(BadWire):
        match kind:
            case "requests":
                other.encode_request(c.decode_request(WireRequest(body=value, model="m")))
            case "responses":
                other.encode_response(c.decode_response(value, "m"), ASKED)
            case "frames":
                _frames(c, other, value if isinstance(value, list) else [value])
            case "strip":
                c.strip(value if isinstance(value, dict) else {"messages": value}, "m")
            case _:
                c.decode_error(ErrorReply(status=400, body=value))
    return None


def _bytes(c: Any, other: Any, data: bytes) -> None:
    framer, scanner = c.framer(), c.scanner()
    half = len(data) // 2
    frames = [*framer.feed(data[:half]), *framer.feed(data[half:]), *framer.close()]
    whole = scanner.whole(data[:half]) + scanner.whole(data[half:]) + scanner.rest()
    for event in scanner.split(whole):
        scanner.read(event)
    with contextlib.suppress(BadWire):
        _frames(c, other, [frame for frame in frames if not isinstance(frame, MalformedFrame)])


def _frames(c: Any, other: Any, frames: list[Any]) -> None:
    decoder, encoder = c.stream_decoder("m"), other.stream_encoder(ASKED)
    events = [event for frame in frames if isinstance(frame, dict) for event in decoder.feed(frame)]
    for event in (*events, *decoder.close()):
        for frame in encoder.feed(event):
            other.frame(frame)
    for frame in encoder.close():
        other.frame(frame)
    encoder.losses  # noqa: B018 - worked out when asked for


DEEP = "[" * 900 + "]" * 900
JUNK = (
    *(
        "null",
        "true",
        "false",
        "0",
        "-1",
        "1.5",
        "1e999",
        "-1e999",
        "NaN",
        "1e308",
        "9" * 25,
        "9" * 400,
        '""',
        '"junk"',
    ),
    *(r'"\ud83d"', r'"\u0000"', '"' + "9" * 25 + '"', '"9999-12-31T23:59:59Z"', '"0001-01-01T00:00:00Z"', '"=="'),
    *("[]", "[null]", "[[]]", "[{}]", "{}", '{"type": []}', '{"type": {}}', '{"type": "text", "text": 1}', DEEP),
)
"""JSON that decoders do not expect: also what Python's own reader takes beyond the standard."""


def mutate(data: bytes, max_size: int, seed: int) -> bytes:
    """Atheris calls this for each new input: half of the time it damages the JSON, as `test_fuzz` does."""
    rng = random.Random(seed)  # noqa: S311 - a fuzzer's, from its own seed
    if len(data) <= HEAD or rng.random() < 0.5:
        return atheris.Mutate(data, max_size)
    head = bytearray(data[:HEAD])
    if rng.random() < 0.1:
        head[2] = rng.randrange(len(CODECS))
    c, kind = CODECS[head[0] % len(CODECS)], KINDS[head[1] % len(KINDS)]
    try:
        changed = _damaged_stream(c, data[HEAD:], rng) if kind == "streams" else _damaged(data[HEAD:], rng)
    except (ValueError, RecursionError, LookupError, AttributeError):  # not JSON, or not to be framed again
        return atheris.Mutate(data, max_size)
    return (bytes(head) + changed)[:max_size]


def _damaged_stream(c: Any, data: bytes, rng: random.Random) -> bytes:
    framer = c.framer()
    frames = [frame for frame in (*framer.feed(data), *framer.close()) if isinstance(frame, dict)]
    at = rng.randrange(len(frames))
    match rng.randrange(4):
        case 0:
            frames.insert(at, rng.choice(frames))
        case 1:
            del frames[at]
        case _:
            damaged = json.loads(_damaged(json.dumps(frames[at]).encode(), rng))
            frames[at] = damaged if isinstance(damaged, dict) and damaged else {"type": "junk"}
    return b"".join(c.frame(frame) for frame in frames) + c.end


def _damaged(data: bytes, rng: random.Random) -> bytes:
    """JSON with one to three of its values replaced, renamed, moved or left out."""
    value = json.loads(data)
    for _ in range(rng.randint(1, 3)):
        places = list(_places(value))
        if not places:
            return rng.choice(JUNK).encode()
        holder, key = rng.choice(places)
        match rng.randrange(5):
            case 0:
                del holder[key]
            case 1 if isinstance(holder, dict):
                other, name = rng.choice(places)
                holder[name if isinstance(other, dict) else "type"] = holder.pop(key)
            case 2:
                other, name = rng.choice(places)
                holder[key] = json.loads(json.dumps(other[name]))  # a copy, so that nothing holds itself
            case 3 if isinstance(holder, list):
                holder.insert(key, json.loads(json.dumps(holder[key])))
            case _:
                holder[key] = json.loads(rng.choice(JUNK))
    return json.dumps(value).encode()


def _places(value: Any) -> Any:
    """Every member of every container inside `value`, as container and key."""
    todo = [value]
    while todo:
        holder = todo.pop()
        if isinstance(holder, dict | list):
            keys = list(holder) if isinstance(holder, dict) else range(len(holder))
            for key in keys:
                yield holder, key
                todo.append(holder[key])


def write_seeds(folder: Path) -> None:
    """One input for each fixture, as JSON and, for streams, as bytes too."""
    for number, c in enumerate(CODECS):
        for path in sorted((ROOT / "fixtures" / c.wire).glob("*/*.json")):
            fixture, kind = json.loads(path.read_text("utf-8")), path.parent.name
            write = partial(_write, folder / f"{c.wire}-{kind}-{path.stem}", number)
            if kind == "streams":
                write("streams", b"".join(map(c.frame, fixture["frames"])) + c.end)
            body = json.dumps(fixture["frames"] if kind == "streams" else fixture["body"]).encode()
            write("frames" if kind == "streams" else kind, body)
            if kind == "requests":
                write("strip", body)


def _write(path: Path, number: int, kind: str, data: bytes) -> None:
    others = range(len(CODECS)) if kind in ("requests", "responses") else (number,)
    for other in others:
        head = bytes([number, KINDS.index(kind), other])
        path.with_name(f"{path.name}-{kind}-{other}").write_bytes(head + data)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--seeds"]:
        write_seeds(Path(sys.argv[2]))
        os._exit(0)  # atheris has handlers that wait for a fuzzer
    atheris.Setup(sys.argv, fuzz, custom_mutator=mutate)
    atheris.Fuzz()

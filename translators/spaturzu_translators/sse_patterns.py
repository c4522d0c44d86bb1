"""Events that are built like one that was parsed, found without parsing them: by a pattern of its text.

The pattern has the event's own keys, brackets and words, and takes any JSON string where the event has a string as a
value, any number where it has a number. So what it matches is JSON, and says the same kind of thing. That takes a
quarter of the time in which an event is parsed.
"""

from __future__ import annotations

import re
from collections.abc import Callable

MOST_BYTES = 16 * 1024
"""Longer events are rare, and parsed each time."""
MOST_PATTERNS = 256

_EVENT = re.compile(rb"((?:event: ?[^\r\n]*\r?\n)?data: ?)(\{[^\r\n]*\})(\r?\n\r?\n)")
_TOKEN = re.compile(rb'("(?:[^"\\]|\\.)*+")([ \t]*:)?|-?[0-9][0-9.eE+-]*')
_STRING = rb'"[^"\\\x00-\x1f]*+(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\\x00-\x1f]*+)*+"'
_NUMBER = rb"-?(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?+(?:[eE][+-]?[0-9]++)?+"

Matches = Callable[..., object]
"""Are these bytes, from a position on if there is one, one or more whole events of that kind? What it returns is true,
then. UTF-8 is not looked at.
"""

_KNOWN: dict[bytes, Matches] = {}
"""By outline, for all streams of the process: to make one takes most of a millisecond."""

_INK = bytes(set(range(256)) - set(b'{}[]"\r\n'))


def outline(event: bytes) -> bytes:
    """What events of one kind have in common, and a few of another kind too: their quotes, brackets and line ends."""
    return event.translate(None, _INK)


def known(event: bytes, outlined: bytes) -> Matches | None:
    """One that was made before."""
    matches = _KNOWN.get(outlined)
    return matches if matches is not None and matches(event) else None


def made(event: bytes, outlined: bytes) -> Matches | None:
    """Of an event that was parsed; None for one that is no object, too long, or tells of an error."""
    found = _EVENT.fullmatch(event) if len(event) <= MOST_BYTES and b'"error"' not in event else None
    if found is None:
        return None
    if len(_KNOWN) >= MOST_PATTERNS:
        _KNOWN.clear()
    head, value, gap = found.groups()
    text = b"".join((re.escape(head), _pattern(value), re.escape(gap)))
    matches = _KNOWN[outlined] = re.compile(b"(?:%b)++" % text).fullmatch
    return matches


def beginning(event: bytes, before: bytes) -> tuple[bytes, Matches] | None:
    """What `event` has in common with the one before it, up to the first value that differs, and what matches the rest.

    To compare the beginning takes no time at all. `event` was matched; None where it is more than one.
    """
    found = _EVENT.fullmatch(event)
    if found is None:
        return None
    for mine, its in zip(_TOKEN.finditer(event), _TOKEN.finditer(before), strict=False):
        if mine[0] != its[0]:
            at = mine.start()
            rest = _pattern(event[at : found.end(2)]) + re.escape(found[3])
            return event[:at], re.compile(rest).fullmatch
    return None


def _pattern(value: bytes) -> bytes:
    parts, at = list[bytes](), 0
    for token in _TOKEN.finditer(value):
        parts.append(re.escape(value[at : token.start()]))
        is_key = token[2] is not None
        parts.append(re.escape(token[0]) if is_key else _STRING if token[1] is not None else _NUMBER)
        at = token.end()
    return b"".join((*parts, re.escape(value[at:])))


def is_utf8(data: bytes) -> bool:
    """As JSON has to be."""
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True

"""Fresh ids for answers that are rendered once: a placeholder of the right length that each request replaces."""

from __future__ import annotations

import itertools
import secrets
from collections.abc import Iterator

SERIAL = "0sandboxID00"
"""Stands in rendered bytes where an answer's own id belongs."""

_PLACEHOLDER = SERIAL.encode()


def serials() -> Iterator[str]:
    """Ids as long as SERIAL, in hexadecimal: different in each sandbox and for each request. Threads may share it."""
    prefix = secrets.token_hex(3)
    return map(lambda number: f"{prefix}{number & 0xFFFFFF:06x}", itertools.count(1))  # noqa: C417 a generator cannot be shared


def stamped(data: bytes, serial: str) -> bytes:
    """`data` with `serial` wherever the placeholder stands; the length stays."""
    return data.replace(_PLACEHOLDER, serial.encode())

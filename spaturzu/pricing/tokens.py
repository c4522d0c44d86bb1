"""How many tokens a text has: tiktoken's o200k_base if that is installed and its data is here, else a rule of thumb.

Both are estimates for any model that is not OpenAI's. Nothing is ever downloaded.
"""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

from spaturzu.courtesy import load

if TYPE_CHECKING:
    from .tokenizer import Tokenizer

TokenSource: TypeAlias = Literal["tiktoken", "heuristic"]

CACHED_AS = "fb374d419588a4632f3f557e76b4b70aebbca790"
_SHA256 = "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d"
"""What tiktoken 0.14.0 calls the file in its cache, and the hash without which it would fetch another (2026-11-22)."""

_PIECE = 8_192
"""Characters that are looked at in one go: well under a millisecond with the interpreter's lock held."""

_MOST_PIECES = 32
"""A longer text is judged by so many pieces of it, evenly spread."""

_ASCII_RUNS = ((294, re.compile(r"[A-Za-z]+")), (1590, re.compile(r"\d{1,3}")), (1441, re.compile(r"[^\S ]\s*|\s{2,}")))
_ASCII_CHARACTERS = ((165, re.compile(r"[A-Za-z]+")), (512, re.compile(r"[!-/:-@\[-`{-~]+")))
_OTHER_CHARACTERS = (
    (1426, re.compile("[\u00c0-\u024f]+")),
    (448, re.compile("[\u0370-\u03ff\u1f00-\u1fff]+")),
    (362, re.compile("[\u0400-\u1eff]+")),
    (814, re.compile("[\u2e80-\ud7ff\uf900-\ufaff\uff00-\uffef]+")),
    (2048, re.compile("[\u2000-\u2e7f\U00010000-\U0010ffff]+")),
)
"""Thousandths of a token for each run, or each character, of letters, digits, white space, signs, accented letters,
Greek, other alphabets, ideographs and kana and hangul, and symbols. Fitted once, 2026-11-25, to o200k_base over this
repository's pages, code and fixtures and the samples of `tests/pricing/samples.json`."""


def count_tokens(text: str) -> tuple[int, TokenSource]:
    """The tokens of a text, and who counted. Long texts are sampled; a few milliseconds at most for each 64 KiB."""
    pieces = [text] if len(text) <= _PIECE else [text[at : at + _PIECE] for at in _starts(len(text))]
    read = sum(len(piece) for piece in pieces) or 1
    tokenizer = _tokenizer()
    if tokenizer is None or (counted := tokenizer.count(pieces)) is None:
        return -(-sum(map(_thousandths, pieces)) * len(text) // (1000 * read)), "heuristic"
    return -(-counted * len(text) // read), "tiktoken"


def tokenizer_failure() -> Exception | None:
    """Why tiktoken does not count although its data is here: for the first who asks."""
    tokenizer = _tokenizer()
    return None if tokenizer is None else tokenizer.failure()


def _starts(length: int) -> Iterator[int]:
    """Where the pieces begin: end to end, or evenly spread where they do not cover the text."""
    pieces = -(-length // _PIECE)
    step = max(_PIECE, length // min(pieces, _MOST_PIECES))
    return iter(range(0, length, step))


def _thousandths(text: str) -> int:
    total = sum(weight * len(pattern.findall(text)) for weight, pattern in _ASCII_RUNS)
    for weight, pattern in _ASCII_CHARACTERS if text.isascii() else (*_ASCII_CHARACTERS, *_OTHER_CHARACTERS):
        total += weight * sum(map(len, pattern.findall(text)))
    return total


@cache
def _tokenizer() -> Tokenizer | None:
    """tiktoken's, if it can be had without asking the network: its cache holds the very file it wants."""
    if find_spec("tiktoken") is None or not is_cached():
        return None
    load("spaturzu.pricing.tokenizer")
    from .tokenizer import Tokenizer

    return Tokenizer()


def is_cached() -> bool:
    """Is tiktoken's data here, unharmed?"""
    try:
        return hashlib.sha256((cache_folder() / CACHED_AS).read_bytes()).hexdigest() == _SHA256
    except OSError:
        return False


def cache_folder() -> Path:
    """Where tiktoken keeps its data: `TIKTOKEN_CACHE_DIR`, `DATA_GYM_CACHE_DIR`, or a folder for temporary files."""
    given = os.environ.get("TIKTOKEN_CACHE_DIR", os.environ.get("DATA_GYM_CACHE_DIR"))
    return Path(tempfile.gettempdir(), "data-gym-cache") if given is None else Path(given or os.devnull)

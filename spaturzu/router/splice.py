"""Where a second answer goes on with a first one that was cut: what of it repeats the first, and what is new.

The second may begin after the cut, with the last words before it, or from the start. What it says is held until that is
known. An answer that goes its own way is not glued on.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import TypeAlias

from spaturzu_translators.events import (
    ArgumentsDelta,
    Event,
    Failed,
    Finished,
    PartEnded,
    PartStarted,
    Restated,
    SignatureDelta,
    Started,
    TextDelta,
    UsageReported,
)
from spaturzu_translators.messages import Reasoning, Text

ANCHOR_WORDS = 6
"""So many of the last words a continuing answer is asked to begin with."""
LONGEST_OVERLAP = 400
"""Nobody repeats more of the end than that without repeating all."""
LEAST_OVERLAP = 3
_PREAMBLE = re.compile(r"(?:sure|certainly|of course|okay|here(?:'s| is| are)|continuing|continued)\b", re.IGNORECASE)
_ENDS = tuple(".!?:;…。！？\n")
_NO_SPACES = 0x2E80
"""From here on (CJK and its neighbours) words follow each other without a space."""


class Diverged(Exception):
    """The second answer is another one."""


def anchor(said: str) -> str:
    """The last words."""
    return " ".join(said.split()[-ANCHOR_WORDS:]) if said.strip() else ""


def repeated(said: str, new: str, *, whole: bool, prefilled: bool) -> int | None:
    """How many characters of `new` repeat `said`; the rest goes after it. None: that cannot be told yet.

    `whole`: no more of `new` will come. `prefilled`: the model was given `said` as its own beginning, so what it says
    goes on unless it visibly starts over. Raises Diverged.
    """
    begins = new.lstrip()
    if not begins:
        return len(new) if whole else None
    lead = len(new) - len(begins)
    restart = _restart(said, begins, whole=whole)
    if restart is not None:
        return lead + restart
    if not whole and begins in said:
        return None
    overlap = _overlap(said, begins)
    if overlap:
        return lead + overlap
    if _starts_over(said, begins, words=3 if prefilled else 1):
        raise Diverged
    if (_runs_on if prefilled else _goes_on)(said, new):
        return _common(said[len(said.rstrip()) :], new)
    raise Diverged


def _restart(said: str, begins: str, *, whole: bool) -> int | None:
    """Does `begins` repeat all of `said`? White space around it may differ."""
    core = said.strip()
    if not core or not begins.startswith(core):
        return None
    tail, rest = said[len(said.rstrip()) :], begins[len(core) :]
    if not whole and len(rest) < max(1, len(tail)):
        return None
    return len(core) + _common(tail, rest)


def _common(first: str, second: str) -> int:
    """How long both begin alike."""
    length = 0
    for one, other in zip(first, second, strict=False):
        if one != other:
            break
        length += 1
    return length


def _overlap(said: str, begins: str) -> int:
    """How much of the beginning of `begins` is the end of `said`, in whole words; 0 for none."""
    end = said.rstrip()
    tail = said[len(end) :]
    for length in range(min(len(begins), len(end), LONGEST_OVERLAP), LEAST_OVERLAP - 1, -1):
        if end.endswith(begins[:length]) and _is_word_start(end, len(end) - length):
            return length + _common(tail, begins[length:])
    return 0


def _is_word_start(text: str, at: int) -> bool:
    return at == 0 or not (text[at - 1].isalnum() and text[at].isalnum())


def _starts_over(said: str, begins: str, *, words: int) -> bool:
    first, second = said.split()[:words], begins.split()[:words]
    return len(first) == words and first == second


def _goes_on(said: str, new: str) -> bool:
    """Does `new` read as what comes next: a border between both, no capital within a sentence, no preamble?"""
    before, after, begins = said[-1], new[0], new.lstrip()
    border = not (before.isalnum() and after.isalnum()) or min(ord(before), ord(after)) >= _NO_SPACES
    fits = not begins[0].isupper() or said.rstrip(" ").endswith(_ENDS)
    return border and fits and _PREAMBLE.match(begins) is None


def _runs_on(said: str, new: str) -> bool:
    """The same of a model that was to go on in the middle of it: it may begin with a space, or end a word."""
    before, after = said.rstrip()[-1], new[0]
    return not (after.isupper() and before.isalnum() and not before.isupper())


_Part: TypeAlias = PartStarted | TextDelta | ArgumentsDelta | SignatureDelta | PartEnded


class Splice:
    """The second answer's events, as they go on with the first one's.

    `said` is the first one's text; `open_part` is the part that is open, and `parts` how many there are. Thoughts of
    the second are left out where the first has shown anything: they would stand after its text. `begun`: the caller has
    seen the start of the stream.
    """

    def __init__(
        self, said: str, *, open_part: int | None, open_text: bool, parts: int, begun: bool, prefilled: bool
    ) -> None:
        self._said, self._begun, self._prefilled = said, begun, prefilled
        self._open, self._open_text = open_part, open_text
        self._parts = parts
        self._left_out: set[int] = set()
        self._places: dict[int, int] = {}
        self._held = ""
        self._holding: int | None = None
        self.decided = not said

    def feed(self, event: Event) -> Iterator[Event]:
        """The events to go on with. Raises Diverged."""
        match event:
            case Started() | Restated() if not self._begun:
                yield event
            case Started() | Restated() | Failed():
                return
            case UsageReported():
                yield event
            case _ if event.candidate:
                return
            case Finished():
                yield from self._decide(whole=True)
                yield from self._end_open()
                yield event
            case _:
                yield from self._part(event)

    def _part(self, event: _Part) -> Iterator[Event]:
        if isinstance(event, PartStarted):
            yield from self._start(event)
        elif event.index in self._left_out:
            return
        elif event.index == self._holding and not self.decided:
            if isinstance(event, TextDelta):
                self._held += event.text
                yield from self._decide(whole=False)
            elif isinstance(event, PartEnded):
                yield from self._decide(whole=True)
                yield from self._ended(event)
        elif isinstance(event, PartEnded):
            yield from self._ended(event)
        else:
            yield replace(event, index=self._places[event.index])

    def _start(self, event: PartStarted) -> Iterator[Event]:
        part = event.part
        if isinstance(part, Reasoning) and self._parts:
            self._left_out.add(event.index)
            return
        if isinstance(part, Text) and not self._places:
            yield from self._go_on(event, part)
            return
        yield from self._decide(whole=True)
        yield from self._end_open()
        yield self._begin(event)

    def _go_on(self, event: PartStarted, part: Text) -> Iterator[Event]:
        """The first text: the open one goes on with it, or it begins one."""
        if self._open_text and self._open is not None:
            self._places[event.index] = self._open
        else:
            yield from self._end_open()
            yield self._begin(replace(event, part=replace(part, text="")))
        if self.decided:
            yield from self._more(event.index, part.text)
        else:
            self._holding, self._held = event.index, part.text
            yield from self._decide(whole=False)

    def _begin(self, event: PartStarted) -> Event:
        place = self._places[event.index] = self._open = self._parts
        self._parts += 1
        return replace(event, index=place)

    def _decide(self, *, whole: bool) -> Iterator[Event]:
        if self.decided:
            return
        if self._holding is None:
            self.decided = True  # no text at all: it goes on with something else, or ends
            return
        length = repeated(self._said, self._held, whole=whole, prefilled=self._prefilled)
        if length is None and not whole:
            return
        self.decided = True
        yield from self._more(self._holding, self._held[length or 0 :])

    def _more(self, index: int, text: str) -> Iterator[Event]:
        if text:
            yield TextDelta(index=self._places[index], text=text)

    def _ended(self, event: PartEnded) -> Iterator[Event]:
        place = self._places[event.index]
        if place == self._open:
            self._open = None
        yield replace(event, index=place)

    def _end_open(self) -> Iterator[Event]:
        if self._open is not None:
            place, self._open = self._open, None
            yield PartEnded(index=place)

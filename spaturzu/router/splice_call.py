"""Where a second answer goes on with a first one that was cut in its first tool call.

The caller has the call's id and name and some of its arguments. The second answer makes its call anew: if it is the
same call, with arguments that begin alike, what is new of them goes on. Any other call is another answer.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from spaturzu_translators.events import (
    ArgumentsDelta,
    Event,
    Failed,
    Finished,
    PartEnded,
    PartStarted,
    Restated,
    Started,
    TextDelta,
    UsageReported,
)
from spaturzu_translators.messages import Text, ToolCall

from .splice import Diverged, repeated


def same_arguments(said: str, new: str) -> int | None:
    """How many characters of `new` say what `said` does, which is the beginning of a JSON document.

    White space between its words may differ. None: too few have come. Raises Diverged.
    """
    at, quoted, escaped = 0, False, False
    for char in said:
        if not quoted:
            if char.isspace():
                continue
            at = len(new) - len(new[at:].lstrip())
        if at == len(new):
            return None
        if new[at] != char:
            raise Diverged
        ends_word, escaped = char == '"' and not escaped, quoted and char == "\\" and not escaped
        quoted = quoted != ends_word
        at += 1
    return at


class CallSplice:
    """The second answer's events, as they go on with the call `said` at part `place`, before which `text` was said.

    `parts`: how many there are. `decided`: the call is the same, as far as it was said.
    """

    def __init__(self, said: ToolCall, place: int, *, text: str, parts: int, prefilled: bool) -> None:
        self._said, self._place, self._text, self._prefilled = said, place, text, prefilled
        self._next = parts
        self._before = self._arguments = ""
        self._calling: int | None = None
        self._texts: set[int] = set()
        self._places: dict[int, int] = {}
        self.decided = self._ended = False

    def feed(self, event: Event) -> Iterator[Event]:
        """The events to go on with. Raises Diverged."""
        match event:
            case UsageReported():
                yield event
            case Started() | Restated() | Failed():
                return
            case _ if event.candidate:
                return
            case Finished():
                yield from self._end()
                yield event
            case _ if self._calling is None:
                self._wait_for_call(event)
                yield from self._go_on()
            case _ if event.index == self._calling:
                yield from self._call(event)
            case PartStarted():
                yield from self._end()
                self._places[event.index], self._next = self._next, self._next + 1
                yield replace(event, index=self._places[event.index])
            case _ if event.index in self._places:
                yield replace(event, index=self._places[event.index])
            case _:
                return

    def _wait_for_call(self, event: Event) -> None:
        """What comes before it has been said already; thoughts are left out."""
        match event:
            case PartStarted(part=Text() as part):
                self._texts.add(event.index)
                self._before += part.text
            case TextDelta() if event.index in self._texts:
                self._before += event.text
            case PartStarted(part=ToolCall() as part):
                if part.name != self._said.name or self._is_news():
                    raise Diverged
                self._calling, self._arguments = event.index, part.arguments
            case _:
                return

    def _is_news(self) -> bool:
        """Did it say anything before its call that the first had not?"""
        if not self._before.strip():
            return False
        if not self._text.strip():
            return True
        length = repeated(self._text, self._before, whole=True, prefilled=self._prefilled) or 0
        return bool(self._before[length:].strip())

    def _call(self, event: Event) -> Iterator[Event]:
        match event:
            case ArgumentsDelta() if self.decided:
                yield replace(event, index=self._place)
            case ArgumentsDelta():
                self._arguments += event.arguments
                yield from self._go_on()
            case PartEnded():
                yield from self._end()
            case _:
                return

    def _go_on(self) -> Iterator[Event]:
        length = None if self._calling is None else same_arguments(self._said.arguments, self._arguments)
        if length is not None:
            self.decided = True
            yield ArgumentsDelta(index=self._place, arguments=self._arguments[length:])

    def _end(self) -> Iterator[Event]:
        """The call is whole."""
        if not self.decided:
            raise Diverged
        if not self._ended:
            self._ended = True
            yield PartEnded(index=self._place)

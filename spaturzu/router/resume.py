"""A committed stream that broke goes on at another hop, as one stream for the caller. Pure, as the walk is.

Text goes on, and a tool call that is still open does where the next model makes the same one. A whole call, or thoughts
that a signature would have ended, cannot be taken back nor completed by another model: then the stream's own error is
raised.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, replace
from typing import Any

from spaturzu_translators.codec import BadWire, codec
from spaturzu_translators.events import Folding, is_content
from spaturzu_translators.failures import Failure
from spaturzu_translators.messages import JSONObject, Message, Reasoning, Text, ToolCall, Wire
from spaturzu_translators.requests import Request
from spaturzu_translators.responses import Response

from .call import Call, Prepared
from .chain import Target
from .kept import Kept, Said
from .relay import TRUNCATED, FrameRelay, Relay
from .splice import Diverged, Splice, anchor
from .splice_call import CallSplice
from .walk import Broken, Effect, Outcome, Pulled, stops, turns, visit

DIVERGED = Failure(kind="bad_request", code="diverged")
"""Of a kind that no breaker counts: the target works, and its answer is another one."""


@dataclass(frozen=True, slots=True)
class Joint:
    """Where an answer was cut: its `text` so far, which part is open, how many there are, the `tool_call` within."""

    kept: Kept
    frames: list[JSONObject]
    text: str
    open_part: int | None
    open_text: bool
    parts: int
    tool_call: ToolCall | None = None


def resume(call: Call, relay: Relay[Any]) -> Generator[Effect, Outcome, Pulled | None]:
    """Go on with the stream that broke in `relay` at the first target that can. None: no target, or no way to."""
    joint = joint_of(call, relay)
    if joint is None:
        return None
    again = _Again(call, joint)
    for target, _, ahead in turns(again):
        if target is None or call.was_asked(target):
            continue
        again.ahead = tuple(place for place in ahead if place is not None and not call.was_asked(place))
        result = yield from visit(again, target)
        if isinstance(result, Pulled):
            call.record.stitched = True
            return result
        if isinstance(result, Broken) and stops(call, result, target):
            return None
    return None


def joint_of(call: Call, relay: Relay[Any]) -> Joint | None:
    """Where the answer can go on; None where it cannot."""
    if call.chain.on_stream_break == "raise" or not call.chain.targets or not _may_go_on(call):
        return None
    said = relay.said()
    if said is None or said.finished or any(candidate for candidate, _ in said.parts):
        return None
    texts = [index for (_, index), part in said.parts.items() if isinstance(part, Text)]
    thoughts = [index for (_, index), part in said.parts.items() if isinstance(part, Reasoning)]
    opened = {index for _, index in said.open}
    others = said.parts.keys() - {(0, index) for index in (*texts, *thoughts)}
    may_call_again = call.wire_name not in _CALLS_COME_WHOLE and said.is_in_first_call
    if (others and not may_call_again) or (relay.thoughts_are_sealed and opened & set(thoughts)):
        return None
    return _joint(relay.kept, said, opened & set(texts), opened)


_CALLS_COME_WHOLE: frozenset[Wire] = frozenset({"gemini", "mistral"})
"""Where a caller that has seen any of a call has seen all of it (providers.md 4.7 and 5.7, 2026-11-22)."""


def _joint(kept: Kept, said: Said, open_texts: set[int], opened: set[int]) -> Joint:
    response = said.response()
    parts = response.candidates[0].parts if response and response.candidates else ()
    tool_call = next((part for part in parts if isinstance(part, ToolCall)), None)
    return Joint(
        kept,
        said.frames,
        text="".join(part.text for part in parts if isinstance(part, Text)),
        open_part=max(opened, default=None),
        open_text=bool(open_texts),
        parts=len(parts),
        tool_call=tool_call,
    )


def _may_go_on(call: Call) -> bool:
    """Half of a JSON document, its logprobs, or several answers at once are not put together from two models.

    Nor is an answer whose beginning the caller wrote: there is no turn to quote it in.
    """
    try:
        asked = call.request
    except BadWire:
        return False
    several = (asked.candidate_count or 1) > 1 or asked.logprobs or asked.response_format is not None
    return not several and bool(asked.messages) and asked.messages[-1].role == "user"


class _Again(Call):
    """The call, for a target that is to go on with the answer."""

    def __init__(self, call: Call, joint: Joint) -> None:
        self.__dict__.update(call.__dict__)
        self._plans = {}
        self._joint = joint

    def _prepared(self, target: Target, to: Wire) -> Prepared:
        """With the text so far as the model's own beginning where it takes one, else quoted."""
        text = self._joint.text
        if not text.strip():
            return self._translated(self.request, target, to)
        quoting = self._translated(_quoting(self.request, text), target, to)
        if not codec(to).prefills(target.model):
            return quoting
        prefilled = self._translated(_prefilled(self.request, text), target, to)
        return replace(prefilled, prefilled=True, otherwise=quoting)

    def target_relay(self, target: Target, prepared: Prepared) -> FrameRelay:
        """One that joins the answers."""
        return SplicedRelay(self, self._joint, target, prepared)


def _quoting(request: Request, text: str) -> Request:
    """The request with the text so far, and what to do with it, in the caller's last turn."""
    *before, last = request.messages
    asked = Text(text=QUOTE.format(text=text, anchor=anchor(text)))
    return replace(request, messages=(*before, replace(last, parts=(*last.parts, asked))))


QUOTE = """\
You have begun to answer this, and the connection broke. What arrived of your answer stands between the two lines:
-----
{text}
-----
Go on with that same answer from where it broke off. Begin by repeating its last words exactly: {anchor}
Say nothing before them, and nothing about the break."""


def _prefilled(request: Request, text: str) -> Request:
    """The request with the text so far as the assistant's own. Claude refuses one that ends in white space."""
    begun = Message(role="assistant", parts=(Text(text=text.rstrip()),))
    return replace(request, messages=(*request.messages, begun))


def _splice(joint: Joint, *, prefilled: bool) -> Splice | CallSplice:
    if joint.tool_call is not None and joint.open_part is not None:
        return CallSplice(joint.tool_call, joint.open_part, text=joint.text, parts=joint.parts, prefilled=prefilled)
    return Splice(
        joint.text,
        open_part=joint.open_part,
        open_text=joint.open_text,
        parts=joint.parts,
        begun=bool(joint.frames),
        prefilled=prefilled,
    )


class SplicedRelay(FrameRelay):
    """A target goes on with an answer. Nothing is let out before it is known where."""

    def __init__(self, call: Call, joint: Joint, target: Target, prepared: Prepared) -> None:
        request = call.request_or_bare()
        super().__init__(
            call.codec,
            request,
            source=codec(prepared.wire_name),
            model=target.model,
            renamed_tools=prepared.wire.renamed_tools,
            unwrap=prepared.unwrap,
            one_call=prepared.one_call,
            kept=joint.kept.copy(),
            elapsed_s=call.stopwatch(),
        )
        self._encoder = call.codec.continuing(request, joint.frames)
        self._splice = _splice(joint, prefilled=prepared.prefilled)
        self._folding = Folding()

    def partial(self) -> Response | None:
        """What this target itself has said."""
        try:
            return self._folding.response()
        except ValueError:  # it has not begun
            return None

    def feed(self, item: JSONObject) -> bytes:
        """A frame of the target's stream."""
        events = self._read(item)
        if events is None or self.failure is not None:
            return b""
        for event in events:
            self._folding.add(event)
        try:
            joined = [joined for event in events for joined in self._splice.feed(event)]
        except Diverged:
            return self.broke(DIVERGED)
        data = self._said(joined)
        self.kept.add(data)
        content = self._splice.decided and any(map(is_content, joined))
        return data if self.committed else self._hold(data, content=content)

    def _end(self) -> bytes:
        """Complete only if the target finished."""
        if self.failure is not None or not self._finished:
            return self.broke(self.failure or TRUNCATED)
        data = self._closing()
        self.kept.add(data)
        return data if self.committed else self._let_out() + data

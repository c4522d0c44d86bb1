"""What a router made of a fault: `pass`, `partial`, `safe` or `fail`, and why."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, assert_never

from spaturzu.router.hop import CallRecord
from spaturzu_translators.messages import Provider

from .cells import Cell, Heard, usage_of

Verdict: TypeAlias = Literal["pass", "partial", "safe", "fail"]
"""`pass`: what the wall asks for. `partial`: a whole answer, by a detour that was not needed. `safe`: no answer where
one was possible, and an honest error. `fail`: part of an answer as if it were whole, words twice, a wrong name, a
stranger's error, or a hang."""

ORDER: tuple[Verdict, ...] = ("pass", "partial", "safe", "fail")

NATIVE: dict[Provider, tuple[str, ...]] = {
    "openai": ("openai",),
    "anthropic": ("anthropic", "httpx2", "httpx"),
    "bedrock": ("botocore", "urllib3"),
    "gemini": ("google", "httpx2", "httpx"),
    "mistral": ("mistralai", "httpx2", "httpx"),
}
"""The packages whose exceptions a provider's SDK raises: the transport's, where it leaves them as they are."""

FINISHES: dict[Provider, tuple[str, ...]] = {
    "openai": ("stop", "tool_calls", "completed"),
    "anthropic": ("end_turn", "tool_use"),
    "bedrock": ("end_turn", "tool_use"),
    "gemini": ("STOP",),
    "mistral": ("stop", "tool_calls"),
}


@dataclass(frozen=True, slots=True)
class Judged:
    """A verdict, and the reason where it is not `pass`."""

    verdict: Verdict
    why: str = ""


def judge(cell: Cell) -> Judged:
    """The worst of a cell's calls."""
    judged = [_call(cell, heard) for heard in cell.heard]
    return max(judged, key=lambda each: ORDER.index(each.verdict))


def _call(cell: Cell, heard: Heard) -> Judged:
    if heard.hung:
        return Judged("fail", f"hung: nothing for {cell.patience_s:g} s")
    if heard.error is not None:
        return _failed(cell, heard, heard.error)
    if cell.must == "stop" and not heard.said.text:
        return _alone(cell, heard)
    return next((Judged("fail", why) for why in _faults(cell, heard) if why), None) or _whole(cell, heard)


def _failed(cell: Cell, heard: Heard, error: Exception) -> Judged:
    package = type(error).__module__.partition(".")[0]
    if package not in NATIVE[cell.caller.provider]:
        return Judged("fail", f"a stranger's error: {type(error).__module__}.{type(error).__name__}: {error}")
    match cell.must:
        case "stop":
            return _alone(cell, heard)
        case "honest":
            return Judged("pass")
        case "same" | "next" | "answer" | "resume":
            return Judged("safe", f"no answer: {type(error).__name__}: {error}")
        case _:
            assert_never(cell.must)


def _alone(cell: Cell, heard: Heard) -> Judged:
    asked = sum(heard.asked[cell.at + 1 :])
    return Judged("partial", "others were asked all the same") if asked else Judged("pass")


def _whole(cell: Cell, heard: Heard) -> Judged:
    """A whole answer: was it the cheapest way to it?"""
    asked = heard.asked[cell.at]
    if asked > cell.fault.tries:
        return Judged("partial", f"asked it {asked} times")
    stayed = not sum(heard.asked[cell.at + 1 :])
    match cell.must:
        case "same":
            return Judged("pass") if stayed else Judged("partial", "left it, where it was worth a short wait")
        case "stop":
            return Judged("partial", "another answered what it refused")
        case "next" | "answer" | "resume" | "honest":
            return Judged("pass")
        case _:
            assert_never(cell.must)


def _faults(cell: Cell, heard: Heard) -> list[str | None]:
    """What is wrong with an answer that came as a whole one."""
    return [check(cell, heard) for check in _CHECKS]


def _text(cell: Cell, heard: Heard) -> str | None:
    due = cell.fault.reply.text or ""
    if heard.said.text == due:
        return None
    if due.startswith(heard.said.text):
        return f"half an answer as if it were whole: {heard.said.text!r}"
    return f"another text: {heard.said.text!r}"


def _calls(cell: Cell, heard: Heard) -> str | None:
    due = [(call.name, call.arguments) for call in cell.fault.reply.tool_calls]
    said = [(name, _parsed(arguments)) for name, arguments in heard.said.calls]
    return None if said == due else f"other tool calls: {said}"


def _parsed(arguments: Any) -> Any:
    try:
        return json.loads(arguments) if isinstance(arguments, str) else arguments
    except ValueError:
        return arguments


def _finish(cell: Cell, heard: Heard) -> str | None:
    known = FINISHES[cell.caller.provider]
    return None if heard.said.finish in known else f"finish reason {heard.said.finish!r}"


def _usage(cell: Cell, heard: Heard) -> str | None:
    """Those of the one who served; a resumed answer has more than one who did."""
    if _stitched(heard.record):
        return None if heard.said.output_tokens else "no usage"
    served = heard.record and heard.record.served_by
    said = (heard.said.input_tokens, heard.said.output_tokens)
    due = [
        (usage_of(place).input, usage_of(place).output)
        for place, provider in enumerate(cell.places)
        if served and provider == served.provider and heard.asked[place]
    ]
    return None if said in due else f"usage {said}, not {due}"


def _model(cell: Cell, heard: Heard) -> str | None:
    """The one who served; of a stitched answer, one of those who did. Bedrock's answers name none."""
    record = heard.record
    if record is None or record.served_by is None:
        return "no record of who served"
    said = {hop.model for hop in record.hops} if _stitched(record) else {record.served_by.model}
    if cell.caller.provider == "bedrock" or heard.said.model in said:
        return None
    return f"named {heard.said.model!r}, and {record.served_by.model!r} served"


def _told(cell: Cell, heard: Heard) -> str | None:
    """An answer in two parts has to say that it is one."""
    begun = cell.must == "resume" and sum(heard.asked[cell.at + 1 :])
    return "stitched, and the record does not say so" if begun and not _stitched(heard.record) else None


def _stitched(record: CallRecord | None) -> bool:
    return bool(getattr(record, "stitched", False))


_CHECKS: tuple[Callable[[Cell, Heard], str | None], ...] = (_text, _calls, _finish, _usage, _model, _told)

"""The law of losses: decode what was encoded; the paths that differ are exactly the paths reported.

`unexplained(before, after, losses)` gives None where the law holds, else a sentence that says how it is broken.
Paths are those of `before`. Some differences mean nothing on any wire and are levelled first; `_levelled` lists them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from spaturzu_translators.loss import Loss
from spaturzu_translators.messages import Message, Refusal, Text, ToolCall, ToolResult
from spaturzu_translators.requests import ReasoningOptions, Request, ResponseFormat, Tool

ANYTHING = "<anything>"
GONE = "<gone>"
NO_ARGUMENTS = {"type": "object", "properties": {}}


def unexplained(before: Any, after: Any, losses: Iterable[Loss]) -> str | None:
    """How the losses fail to explain the difference between two canonical values, or None."""
    losses, expected = tuple(losses), tree(after, ())
    if not _same(tree(before, losses), expected):
        return f"lost without a report: {losses}\n  before: {tree(before, losses)}\n  after:  {expected}"
    for loss in losses:
        if _same(tree(before, tuple(other for other in losses if other is not loss)), expected):
            return f"reported but not lost: {loss}"
    return None


def tree(value: Any, losses: Iterable[Loss] = ()) -> Any:
    """`value` as plain dicts and lists, levelled, with dropped paths gone and approximated ones as ANYTHING."""
    return _Tree({loss.path: GONE if loss.kind == "dropped" else ANYTHING for loss in losses}).of(value, "")


class _Tree:
    def __init__(self, marks: dict[str, str]) -> None:
        self.marks = marks
        self.ids: dict[str, str] = {}

    def of(self, value: Any, path: str) -> Any:
        if path in self.marks:
            return self.marks[path]
        if is_dataclass(value):
            return self._record(value, path)
        if isinstance(value, Mapping):
            return self._mapping(value, path)
        if isinstance(value, list | tuple):
            return _present(self.of(item, f"{path}[{number}]") for number, item in enumerate(value))
        return value

    def _record(self, value: Any, path: str) -> Any:
        if isinstance(value, Text | Refusal) and not value.text:
            return GONE
        prefix = f"{path}." if path else ""
        found = {field.name: self.of(self._levelled(value, field.name), prefix + field.name) for field in fields(value)}
        kept = {name: item for name, item in found.items() if not _empty(item)}
        if isinstance(value, Message) and "parts" not in kept:
            return GONE
        return {"": type(value).__name__, **kept}

    def _levelled(self, value: Any, name: str) -> Any:
        """A field's value, less the differences that mean nothing."""
        item = getattr(value, name)
        match value, name:
            case (ToolCall(), "id") | (ToolResult(), "call_id"):
                return self.ids.setdefault(item, f"call {len(self.ids)}")  # ids only pair calls with results
            case ToolCall(), "arguments":
                return _parsed(item)  # white space in JSON, and "" for no arguments
            case (ToolResult(), "name" | "structured") | (Request(), "stream_usage"):
                return None  # the call has the name; JSON text is text; how usage is delivered
            case (Tool() | ResponseFormat(), "strict") | (Request(), "logprobs") | (ReasoningOptions(), "include_text"):
                return item or None  # saying no is what every provider does unasked
            case Request(), "parallel_tool_calls":
                return False if item is False and value.tools else None  # else as many as it likes, or none to call
            case Tool(), "parameters":
                return NO_ARGUMENTS if item is None else item
            case _:
                return item

    def _mapping(self, value: Mapping[str, Any], path: str) -> Any:
        prefix = f"{path}." if path else ""
        found = {name: self.of(item, f"{prefix}{name}") for name, item in value.items()}
        return {name: item for name, item in found.items() if item != GONE and not (item == {} and value[name])}


def _parsed(arguments: str) -> Any:
    try:
        return json.loads(arguments or "{}")
    except ValueError:
        return arguments


def _present(items: Iterable[Any]) -> list[Any]:
    return [item for item in items if item != GONE]


def _empty(item: Any) -> bool:
    return item is None or item == GONE or (isinstance(item, dict | list) and not item)


def _same(before: Any, after: Any) -> bool:
    if before == ANYTHING:
        return True
    if isinstance(before, dict) and isinstance(after, dict):
        names = before.keys() | after.keys()
        return all(_same(before.get(name), after.get(name)) for name in names)
    if isinstance(before, list) and isinstance(after, list):
        return _same_items(before, after)
    return (type(before) is type(after) and before == after) or (_numbers(before, after) and before == after)


def _numbers(before: Any, after: Any) -> bool:
    return all(isinstance(item, int | float) and not isinstance(item, bool) for item in (before, after))


def _same_items(before: list[Any], after: list[Any]) -> bool:
    """Item by item; an approximated item may stand for one or more, as where a turn was split or one put between."""
    if not before:
        return not after
    if before[0] == ANYTHING:
        return any(_same_items(before[1:], after[taken:]) for taken in range(1, len(after) + 1))
    return bool(after) and _same(before[0], after[0]) and _same_items(before[1:], after[1:])

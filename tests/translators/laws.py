"""The law of losses: decode what was encoded; the paths that differ are exactly the paths reported.

`unexplained(before, after, losses)` gives None where the law holds, else a sentence that says how it is broken.
`unspoken(before, body, losses)` gives the words of what was emulated that are nowhere in the encoded body: none are.
Paths are those of `before`. Some differences mean nothing on any wire; they are levelled first, each by a method or a
row of `_levelled` that says why:

- ids: they only pair calls with results, so any renaming that keeps the pairs will do (`_Ids`);
- JSON text: white space in a call's arguments and in a tool's result;
- what stands where nobody said anything: `created`, a schema's name, a media type that the address's suffix promises;
- a text of no words, a turn of no parts;
- the issuer of a thought that nothing binds to it;
- the order of functions and built-in tools, and usage that counts nothing;
- what two providers say alike under one name (`is_shared`), and our notes on a caller's spelling;
- instructions before the first turn: they count as `system`, whether they came there or as a turn.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any, NoReturn

from spaturzu_translators.loss import Loss
from spaturzu_translators.media import type_by_suffix
from spaturzu_translators.messages import PROVIDERS, Message, Reasoning, Refusal, Text, ToolCall, ToolResult, Uri
from spaturzu_translators.provider_fields import MARKERS, is_shared
from spaturzu_translators.requests import SCHEMA_NAME, ReasoningOptions, Request, ResponseFormat, Tool
from spaturzu_translators.responses import Response, Usage

ANYTHING = "<anything>"
GONE = "<gone>"
EMULATED = "<emulated>"
"""It may be anything, or nothing, afterwards; its words are on the wire (`unspoken`)."""
MARKS = {"dropped": GONE, "approximated": ANYTHING, "emulated": EMULATED}
UNSAID = "<unsaid>"
"""Nobody said it, so it may be anything afterwards."""

UNCHOSEN = "<unchosen>"
"""Nothing is chosen where calls must not be parallel, or are held to strict schemas, which Anthropic and Gemini say
inside the choice: it is `auto` there."""

NO_ARGUMENTS = {"type": "object", "properties": {}}


class Id(str):
    """A call's id, or a result's."""

    __slots__ = ()


def unexplained(before: Any, after: Any, losses: Iterable[Loss]) -> str | None:
    """How the losses fail to explain the difference between two canonical values, or None."""
    losses = tuple(losses)
    new = tuple(loss for loss in losses if _is_new(before, after, loss))
    expected = tree(after, new)
    if not same(tree(before, losses), expected):
        return f"lost without a report: {losses}\n  before: {tree(before, losses)}\n  after:  {expected}"
    for loss in losses:
        if loss in new or _emulated_around(loss, losses) or _is_empty_beside_emulated(before, loss, losses):
            continue  # what is read back there may be anything, so it cannot be told from this
        if same(tree(before, tuple(other for other in losses if other is not loss)), expected):
            return f"reported but not lost: {loss}\n  before: {tree(before, losses)}\n  after:  {expected}"
    return None


def _is_new(before: Any, after: Any, loss: Loss) -> bool:
    """A provider's own field, which says what stood in another's: it is there afterwards, and was not before."""
    return (
        loss.kind == "emulated" and _own_field(before, loss.path) is None and _own_field(after, loss.path) is not None
    )


def _own_field(value: Any, path: str) -> Any:
    found = re.fullmatch(r"provider_fields\.(\w+)\.(\w+)", path)
    return getattr(value, "provider_fields", {}).get(found[1], {}).get(found[2]) if found else None


def _emulated_around(loss: Loss, losses: Iterable[Loss]) -> list[Loss]:
    return [
        other
        for other in losses
        if other.kind == "emulated" and loss.path.startswith((f"{other.path}.", f"{other.path}["))
    ]


def _is_empty_beside_emulated(before: Any, loss: Loss, losses: Iterable[Loss]) -> bool:
    """An empty turn that stands there in words, and another turn that stands there by other means: as several turns."""
    if not _TURN.fullmatch(loss.path) or tree(_at(before, loss.path).parts):
        return False
    return any(other.kind == "emulated" and _TURN.fullmatch(other.path) for other in losses if other is not loss)


_TURN = re.compile(r"messages\[\d+\]")


def unspoken(before: Any, body: Any, losses: Iterable[Loss]) -> list[str]:
    """The words at emulated paths that no string of `body` holds."""
    said = "\n".join(_strings(body))
    losses = tuple(losses)
    broken = [around for loss in losses for around in _emulated_around(loss, losses)]  # less what was lost inside it
    kept = [loss for loss in losses if loss not in broken]
    told = [loss.path for loss in kept if loss.kind == "emulated" and loss.matters == "tuning"]
    paths = [path for path in told if "provider_fields" not in path]  # which stands there in words of its own
    emulated = [words for path in paths for words in _words(_at(before, path.removesuffix(".arguments")))]
    return [words for words in emulated if words not in said]


def _at(value: Any, path: str) -> Any:
    for name, number in re.findall(r"([^.\[\]]+)|\[(\d+)\]", path):
        value = value[int(number)] if number else getattr(value, name)
    return value


def _words(value: Any) -> Iterator[str]:
    match value:
        case Text() | Refusal() if value.text.strip():
            yield value.text
        case Message():
            yield from _words(tuple(part for part in value.parts if not isinstance(part, ToolCall)))
        case ToolCall():
            yield value.arguments
        case tuple():
            for item in value:
                yield from _words(item)
        case _:
            return


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _strings(item)


def tree(value: Any, losses: Iterable[Loss] = ()) -> Any:
    """`value` as plain dicts and lists, levelled, and each lost path as its kind's mark."""
    return _Tree({loss.path: MARKS[loss.kind] for loss in losses}).of(value, "")


class _Tree:
    def __init__(self, marks: dict[str, str]) -> None:
        self.marks = marks

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
        prefix = f"{path}." if path else ""
        found = {field.name: self.of(_levelled(value, field.name), prefix + field.name) for field in fields(value)}
        if isinstance(found.get("provider_fields"), dict):
            found["provider_fields"] = _at_home(found["provider_fields"])
        kept = {name: item for name, item in found.items() if not _empty(item)}
        match value:
            case Text() | Refusal() if not kept:
                return GONE
            case Message() if not kept.keys() & {"parts", "provider_fields"}:
                return GONE
            case Reasoning() if not kept.keys() & {"signature", "redacted"}:
                kept.pop("issuer", None)
            case ToolResult():
                _level_result(kept)
            case Usage() if not kept:
                return GONE
            case Request():
                _hoist(kept)
                if isinstance(kept.get("tools"), list):
                    kept["tools"].sort(key=_is_built_in)
            case _:
                pass
        return {"": type(value).__name__, **kept}

    def _mapping(self, value: Mapping[str, Any], path: str) -> Any:
        prefix = f"{path}." if path else ""
        found = {name: self.of(item, f"{prefix}{name}") for name, item in value.items()}
        return {
            name: item
            for name, item in found.items()
            if item not in (GONE, EMULATED) and not (item == {} and value[name])
        }


def _at_home(fields: dict[str, Any]) -> dict[str, Any]:
    """What two wires say alike stands under one of them, and notes on spelling nowhere."""
    level: dict[str, dict[str, Any]] = {}
    for wire, values in fields.items():
        if not isinstance(values, dict):
            level[wire] = values
            continue
        for name, value in values.items():
            alike = [other for other in PROVIDERS if is_shared(other, wire, name, value)]
            if name not in MARKERS:
                level.setdefault(min([wire, *alike]), {})[name] = value
    return level


def _levelled(value: Any, name: str) -> Any:
    """A field's value, less the differences that mean nothing."""
    item = getattr(value, name)
    match value, name:
        case (ToolCall(), "id") | (ToolResult(), "call_id"):
            return Id(item)
        case ToolCall(), "arguments":
            return _parsed(item or "{}")  # white space in JSON, and "" for no arguments
        case (ToolResult(), "name" | "structured") | (Request(), "stream_usage"):
            return None  # the call has the name; JSON text is text; how usage is delivered
        case (Tool() | ResponseFormat(), "strict"):
            return item or UNSAID  # a schema that binds although nobody asked for it loses nothing
        case (Request(), "logprobs") | (ReasoningOptions(), "include_text"):
            return item or None  # saying no is what every provider does unasked
        case Request(), "tool_choice" if item is None and (
            (value.parallel_tool_calls is False and value.tools)
            or any(isinstance(tool, Tool) and tool.strict for tool in value.tools)
        ):
            return UNCHOSEN
        case Request(), "parallel_tool_calls":
            return False if item is False and value.tools else None  # else as many as it likes, or none to call
        case Tool(), "parameters":
            return NO_ARGUMENTS if item is None else item
        case ResponseFormat(), "name":
            return None if item == SCHEMA_NAME else item  # ours, where two providers demand one
        case Uri(), "media_type":
            return None if item == type_by_suffix(value.uri) else item  # the address says it
        case Response(), "created":
            return UNSAID if item is None else item
        case Response(), "id":
            return item or UNSAID
        case _:
            return item


def _level_result(kept: dict[str, Any]) -> None:
    """A result's text as the JSON that it may be."""
    content = kept.get("content")
    if isinstance(content, list):
        kept["content"] = [
            {**item, "text": _parsed(item["text"])} if isinstance(item, dict) and "text" in item else item
            for item in content
        ]


def _hoist(kept: dict[str, Any]) -> None:
    """Turns of instructions that come first, and have nothing of their own beside their parts, are `system`."""
    if kept.get("messages") == EMULATED:
        return
    messages = list(kept.get("messages", ()))
    hoisted: list[Any] = []
    while messages and isinstance(messages[0], dict) and messages[0]["role"] == "system":
        parts = messages[0].get("parts")
        if "provider_fields" in messages[0] or not isinstance(parts, list):
            break
        if not all(isinstance(part, dict) and part[""] == "Text" for part in parts):
            break
        hoisted += messages.pop(0)["parts"]
    kept["messages"] = messages
    if hoisted:
        system = kept.get("system", [])
        kept["system"] = [*([system] if isinstance(system, str) else system), *hoisted]


def _is_built_in(tool: Any) -> bool:
    return isinstance(tool, dict) and tool[""] == "OpaqueTool"


def _refuse(name: str) -> NoReturn:
    raise ValueError(name)


def _parsed(text: Any) -> Any:
    try:
        return json.loads(text, parse_constant=_refuse)
    except (ValueError, TypeError):
        return text


def _present(items: Iterable[Any]) -> list[Any]:
    return [item for item in items if item != GONE]


def _empty(item: Any) -> bool:
    return item is None or item in ("", GONE) or (isinstance(item, dict | list) and not item)


def same(before: Any, after: Any) -> bool:
    """Are two trees equal, but for what was approximated, and by one and the same renaming of ids?"""
    return _Ids().same(before, after)


class _Ids:
    """Compares, and remembers which id became which: a pair must stay a pair, and two must stay two."""

    def __init__(self) -> None:
        self.there: dict[str, str] = {}
        self.back: dict[str, str] = {}

    def same(self, before: Any, after: Any) -> bool:
        if before in (ANYTHING, EMULATED, UNSAID):
            return True
        if before == UNCHOSEN:
            return after in (None, UNCHOSEN, {"": "ToolChoice", "mode": "auto"})
        if after in (UNSAID, UNCHOSEN):
            return before is None
        if isinstance(before, Id) and isinstance(after, Id):
            return self.there.setdefault(before, after) == after and self.back.setdefault(after, before) == before
        if isinstance(before, dict) and isinstance(after, dict):
            names = {**before, **after}
            return all(self.same(before.get(name), after.get(name)) for name in names)
        if isinstance(before, list) and isinstance(after, list):
            return self._items(before, after)
        return (type(before) is type(after) or _numbers(before, after)) and before == after

    def _items(self, before: list[Any], after: list[Any]) -> bool:
        """Item by item; an approximated one may be up to three afterwards, an emulated one none as well.

        Three: a tool's results, the assistant's turn that has to follow them, and what the user says.
        """
        if not before:
            return not after
        if before[0] in (ANYTHING, EMULATED):
            least = before[0] == ANYTHING
            return any(self._tried(before[1:], after[taken:]) for taken in range(least, min(3, len(after)) + 1))
        return bool(after) and self.same(before[0], after[0]) and self._items(before[1:], after[1:])

    def _tried(self, before: list[Any], after: list[Any]) -> bool:
        saved = dict(self.there), dict(self.back)
        if self._items(before, after):
            return True
        self.there, self.back = saved
        return False


def _numbers(before: Any, after: Any) -> bool:
    return all(isinstance(item, int | float) and not isinstance(item, bool) for item in (before, after))

"""What a translation could not carry. An encoder returns it; nothing is ever logged or warned instead."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Generic, Literal, TypeAlias, TypeVar

from .messages import JSON, ProviderFields, ResultPart, Role, ToolResult, Wire
from .provider_fields import MARKERS, is_reworded, is_shared, is_tuning
from .requests import OpaqueTool, Request
from .responses import Response
from .values import value, value_by_place

T_co = TypeVar("T_co", covariant=True)

LossKind: TypeAlias = Literal["dropped", "approximated", "emulated"]
Matters: TypeAlias = Literal["tuning", "meaning"]


@value
class Loss:
    """`path` names the canonical field, as in `temperature`, `tools[0].strict`, `messages[2].parts[1]`.

    `dropped`: the value is gone. `approximated`: something near it stands there. `emulated`: the same is asked for by
    other means: an instruction, a forced tool, words in a text; nothing but the model sees to it, and it is read back
    as what it became.
    `meaning`: the answer could be wrong without it, so the target is skipped unless the caller allowed it.
    """

    path: str
    kind: LossKind
    matters: Matters


@value_by_place
class Encoded(Generic[T_co]):
    """An encoder's result and what it could not say."""

    value: T_co
    losses: tuple[Loss, ...] = ()


class Losses:
    """Collects losses while an encoder works."""

    __slots__ = ("_losses",)

    def __init__(self) -> None:
        self._losses: dict[str, Loss] = {}

    def drop(self, path: str, matters: Matters = "tuning") -> None:
        """`path` is gone."""
        self._losses[path] = Loss(path=path, kind="dropped", matters=matters)

    def approximate(self, path: str, matters: Matters = "tuning") -> None:
        """Something near `path` stands there instead."""
        self._losses[path] = Loss(path=path, kind="approximated", matters=matters)

    def emulate(self, path: str, matters: Matters = "tuning") -> None:
        """The same as `path` is asked for by other means. What was reported of it before matters as much as it did."""
        before = self._losses.get(path)
        if before is None or before.kind == "dropped":
            self._losses[path] = Loss(path=path, kind="emulated", matters=before.matters if before else matters)

    def reword(self, *paths: str) -> None:
        """What stood at one of them stands at the other, in another provider's words, whatever was reported before."""
        for path in paths:
            self._losses[path] = Loss(path=path, kind="emulated", matters="tuning")

    def extend(self, losses: Iterable[Loss]) -> None:
        """Take over losses found elsewhere."""
        for loss in losses:
            self._losses[loss.path] = loss

    def found(self) -> tuple[Loss, ...]:
        """All of them, in order. A path inside another lost path is not said twice; the outer one matters as much.

        What stands there by other means is not lost: a loss of meaning inside it, as of a part of a turn that was
        joined to the next, is said by itself.
        """
        if len(self._losses) < 2 or self._are_apart():
            return tuple(self._losses.values())
        outer: dict[str, Loss] = {}
        inner: list[tuple[str, Loss]] = []
        for path, loss in self._losses.items():
            around = next((place for place in _around(path) if self._covers(place, loss)), None)
            if around is None:
                outer[path] = loss
            else:
                inner.append((around, loss))
        for around, loss in inner:
            if loss.matters == "meaning":
                covering = outer.get(around)
                outer[around if covering else loss.path] = replace(covering or loss, matters="meaning")
        return tuple(outer.values())

    def _are_apart(self) -> bool:
        """Does none begin as another does? Those that do stand next to each other once they are sorted."""
        paths = sorted(self._losses)
        return not any(map(str.startswith, paths[1:], paths))

    def _covers(self, place: str, inner: Loss) -> bool:
        """Does the loss of `place` say that `inner` is lost too?"""
        around = self._losses.get(place)
        if around is None:
            return False
        return inner.matters == "tuning" or around.kind != "emulated" or around.matters == "meaning"


def _around(path: str) -> Iterator[str]:
    """The paths that `path` lies inside of, the widest first: `a`, `a[0]` and `a[0].b` for `a[0].b[1]`."""
    return (path[: found.start()] for found in _STEP.finditer(path) if found.start())


_STEP = re.compile(r"[.\[]")


class Joins:
    """Watches the turns as an encoder writes them, and reports neighbours that the wire cannot tell apart.

    Such neighbours are one turn afterwards, which says what they said: emulated. They were two because of a turn
    between them that is not on the wire, another provider's fields, or their roles. Instructions that come
    first join nothing: they are read as the request's own.
    """

    __slots__ = ("_first", "_leading", "_losses", "_own", "_role")

    def __init__(self, losses: Losses) -> None:
        self._losses = losses
        self._leading = True
        self._role: Role | None = None
        self._own: Mapping[str, JSON] = {}
        self._first = 0

    def turn(self, number: int, role: Role, own: Mapping[str, JSON], says: bool = True) -> None:
        """`messages[number]` as it stands on the wire: the role that it has there, and the wire's own fields of it.

        Not `says`: nothing of it is left, but it keeps its neighbours apart.
        """
        if self._leading:
            self._leading = role == "system" and not own
            if self._leading:
                return
        if role != self._role or own != self._own:
            self._first, self._role, self._own = number, role if says else None, own
        elif says:
            self._losses.emulate(f"messages[{self._first}]")
            self._losses.emulate(f"messages[{number}]")


def foreign_event_fields(fields: ProviderFields, path: str, own: Wire) -> Iterator[Loss]:
    """A loss for every other provider's field beside an event of a stream; `path` is where the fields stand."""
    return _foreign(fields, f"{path}." if path else "", {own})


def foreign_fields(request: Request, own: Wire, *, also: tuple[Wire, ...] = ()) -> Iterable[Loss]:
    """A loss for every provider field of `request` that belongs to neither `own` nor `also`.

    Encoders call it once, so that no decoder can put a field where no encoder looks.
    """
    return _foreign_fields(request, {own, *also}) if _has_fields(request) else ()


def _has_fields(request: Request) -> bool:
    """Does anything in it have provider fields? Most histories have none, and then there is no path to work out."""
    if request.provider_fields:
        return True
    for part in (*request.system, *request.tools):
        if not isinstance(part, OpaqueTool) and part.provider_fields:
            return True
    for message in request.messages:
        if message.provider_fields:
            return True
        for part in message.parts:
            if part.provider_fields or (isinstance(part, ToolResult) and _any_has_fields(part.content)):
                return True
    return False


def _any_has_fields(content: tuple[ResultPart, ...]) -> bool:
    for part in content:  # noqa: SIM110 - a generator costs more than the one part that a result mostly has
        if part.provider_fields:
            return True
    return False


def _foreign_fields(request: Request, kept: set[str]) -> Iterator[Loss]:
    yield from _foreign(request.provider_fields, "", kept)
    for number, tool in enumerate(request.tools):
        if not isinstance(tool, OpaqueTool):
            yield from _foreign(tool.provider_fields, f"tools[{number}].", kept)
    for number, part in enumerate(request.system):
        yield from _foreign(part.provider_fields, f"system[{number}].", kept)
    for number, message in enumerate(request.messages):
        if message.provider_fields:
            yield from _foreign(message.provider_fields, f"messages[{number}].", kept)
        for index, part in enumerate(message.parts):
            if part.provider_fields:
                yield from _foreign(part.provider_fields, f"messages[{number}].parts[{index}].", kept)
            if isinstance(part, ToolResult):
                for inner, content in enumerate(part.content):
                    if content.provider_fields:
                        path = f"messages[{number}].parts[{index}].content[{inner}]."
                        yield from _foreign(content.provider_fields, path, kept)


def foreign_response_fields(response: Response, own: Wire, *, also: tuple[Wire, ...] = ()) -> Iterator[Loss]:
    """The same for a response. What a provider says beside its answer is tuning."""
    kept: set[str] = {own, *also}
    yield from _foreign(response.provider_fields, "", kept)
    if response.usage is not None:
        yield from _foreign(response.usage.provider_fields, "usage.", kept)
    for number, candidate in enumerate(response.candidates):
        path = f"candidates[{number}]."
        yield from _foreign(candidate.provider_fields, path, kept)
        for index, part in enumerate(candidate.parts):
            yield from _foreign(part.provider_fields, f"{path}parts[{index}].", kept)


def _foreign(fields: ProviderFields, path: str, kept: set[str]) -> Iterator[Loss]:
    if not fields:
        return
    for provider, values in fields.items():
        if provider not in kept:
            for name, value in values.items():
                if name in MARKERS or any(is_shared(own, provider, name, value) for own in kept):
                    continue
                matters: Matters = "tuning" if is_tuning(provider, name, value) else "meaning"
                kind: LossKind = "emulated" if is_reworded(provider, name) else "dropped"
                yield Loss(path=f"{path}provider_fields.{provider}.{name}", kind=kind, matters=matters)

"""What a translation could not carry. An encoder returns it; nothing is ever logged or warned instead."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Generic, Literal, TypeAlias, TypeVar

from .messages import JSON, Message, ProviderFields, Role, ToolResult, Wire
from .provider_fields import is_tuning
from .requests import OpaqueTool, Request
from .responses import Response
from .values import value

T_co = TypeVar("T_co", covariant=True)

LossKind: TypeAlias = Literal["dropped", "approximated"]
Matters: TypeAlias = Literal["tuning", "meaning"]


@value
class Loss:
    """`path` names the canonical field, as in `temperature`, `tools[0].strict`, `messages[2].parts[1]`.

    `dropped`: the value is gone. `approximated`: something near it stands there.
    `meaning`: the answer could be wrong without it, so the target is skipped unless the caller allowed it.
    """

    path: str
    kind: LossKind
    matters: Matters


@dataclass(frozen=True, slots=True)
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

    def extend(self, losses: Iterable[Loss]) -> None:
        """Take over losses found elsewhere."""
        self._losses.update((loss.path, loss) for loss in losses)

    def found(self) -> tuple[Loss, ...]:
        """All of them, in order. A path inside another lost path is not said twice; the outer one matters as much."""
        paths = self._losses.keys()
        outer = [path for path in paths if not any(_inside(path, other) for other in paths)]
        return tuple(self._whole(path) for path in outer)

    def _whole(self, path: str) -> Loss:
        loss = self._losses[path]
        if loss.matters == "meaning" or not any(
            inner.matters == "meaning" and _inside(inner.path, path) for inner in self._losses.values()
        ):
            return loss
        return replace(loss, matters="meaning")


def _inside(path: str, other: str) -> bool:
    return len(path) > len(other) and path.startswith(other) and path[len(other)] in ".["


@dataclass(frozen=True, slots=True)
class Turn:
    """A message as it stands on the wire: its `path`, the role that it has there, and the wire's own fields of it.

    Not `says`: nothing of it is left, but it keeps its neighbours apart.
    """

    path: str
    role: Role
    own: Mapping[str, JSON]
    says: bool = True


def report_joins(turns: Iterable[Turn], losses: Losses) -> None:
    """Neighbours that the wire cannot tell apart are one turn: the first is approximated, the others are dropped.

    They were two because of a turn between them that is not on the wire, another provider's fields, or their roles.
    Instructions that come first join nothing: they are read as the request's own.
    """
    first: Turn | None = None
    leading = True
    for turn in turns:
        leading = leading and turn.role == "system" and not turn.own
        if leading:
            continue
        if first is None or turn.role != first.role or turn.own != first.own:
            first = turn if turn.says else None
        elif turn.says:
            losses.approximate(first.path)
            losses.drop(turn.path)


def foreign_event_fields(fields: ProviderFields, path: str, own: Wire) -> Iterator[Loss]:
    """A loss for every other provider's field beside an event of a stream; `path` is where the fields stand."""
    return _foreign(fields, f"{path}." if path else "", {own})


def foreign_fields(request: Request, own: Wire, *, also: tuple[Wire, ...] = ()) -> Iterator[Loss]:
    """A loss for every provider field of `request` that belongs to neither `own` nor `also`.

    Encoders call it once, so that no decoder can put a field where no encoder looks.
    """
    kept: set[str] = {own, *also}
    yield from _foreign(request.provider_fields, "", kept)
    for number, tool in enumerate(request.tools):
        if not isinstance(tool, OpaqueTool):
            yield from _foreign(tool.provider_fields, f"tools[{number}].", kept)
    for number, part in enumerate(request.system):
        yield from _foreign(part.provider_fields, f"system[{number}].", kept)
    for number, message in enumerate(request.messages):
        yield from _foreign_in_message(message, f"messages[{number}].", kept)


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


def _foreign_in_message(message: Message, path: str, kept: set[str]) -> Iterator[Loss]:
    yield from _foreign(message.provider_fields, path, kept)
    for index, part in enumerate(message.parts):
        yield from _foreign(part.provider_fields, f"{path}parts[{index}].", kept)
        if isinstance(part, ToolResult):
            for inner, content in enumerate(part.content):
                yield from _foreign(content.provider_fields, f"{path}parts[{index}].content[{inner}].", kept)


def _foreign(fields: ProviderFields, path: str, kept: set[str]) -> Iterator[Loss]:
    if not fields:
        return
    for provider, values in fields.items():
        if provider not in kept:
            for name in values:
                matters: Matters = "tuning" if is_tuning(provider, name) else "meaning"
                yield Loss(path=f"{path}provider_fields.{provider}.{name}", kind="dropped", matters=matters)

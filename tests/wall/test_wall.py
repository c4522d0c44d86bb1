"""The wall: every fault, in every direction, sync and async, plain and streamed, at the primary and at a target.

What each has to come to is `spaturzu.sandbox.wall`'s to say, and `spaturzu.testing.verdicts` judges: a whole answer
exactly once or the right native error, an honest model, honest usage.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from spaturzu.sandbox import WALL, FaultName, Reply
from spaturzu.sandbox.wall import TEXT
from spaturzu.testing.cells import DOWN, Cell, usage_of
from spaturzu.testing.drill import cells_of, scored
from spaturzu_translators.codec import codec
from spaturzu_translators.directions import DIRECTIONS
from spaturzu_translators.messages import PROVIDERS, Provider, Wire
from spaturzu_translators.responses import Response

from .directions import Directions, third

PATIENCE_S = 20
ROUTES: list[tuple[Wire, Provider]] = [(direction.primary, direction.target) for direction in DIRECTIONS]
ROUTES += [("openai_responses", target) for target in PROVIDERS]
"""The twenty directions, and from OpenAI's second API to all five; at OpenAI itself to another model."""
each_route = pytest.mark.parametrize(("caller", "target"), ROUTES, ids=lambda name: name)
sync_and_async = pytest.mark.parametrize("as_async", [False, True], ids=["sync", "async"])

SLOW: tuple[FaultName, ...] = ("silence", "late_first_token", "stall")
"""Those that cost a limit's length; all others are met with default options."""
QUICK = [fault for fault in WALL.values() if fault.name not in SLOW]
BROKEN_OFF = [WALL[name] for name in ("cut", "reset_mid_stream", "malformed_run", "error_event_late", "truncated")]
"""After two words."""
BEGUN = "The weather "
REST = Reply(TEXT.removeprefix(BEGUN), usage=usage_of(1))


def not_passed(cells: list[Cell]) -> list[str]:
    lines = map(scored, cells)
    return [
        f"{line.fault}, {line.shape}: {line.judged.verdict}, {line.judged.why}\n{line.note}"
        for line in lines
        if line.judged.verdict != "pass"
    ]


@sync_and_async
@each_route
def test_a_primary_with_any_fault_costs_the_caller_nothing(
    directions: Directions, caller: Wire, target: Provider, as_async: bool
) -> None:
    places = (codec(caller).provider, target)
    client = directions.chain(places, as_async=as_async)
    cells = cells_of(caller, places, QUICK, patience_s=PATIENCE_S)

    directions.run(client, cells, as_async=as_async)

    assert not_passed(cells) == []


@sync_and_async
@each_route
def test_a_target_with_any_fault_is_left_for_the_next(
    directions: Directions, caller: Wire, target: Provider, as_async: bool
) -> None:
    """The primary is down, and its first target has the fault."""
    places = (codec(caller).provider, target, third(codec(caller).provider, target))
    client = directions.chain(places, as_async=as_async)
    cells = cells_of(caller, places, QUICK, at=1, patience_s=PATIENCE_S)

    directions.run(client, cells, as_async=as_async)

    assert not_passed(cells) == []


REFUSED = [replace(WALL[name], must={"plain": "next", "stream": "next"}) for name in ("content_filter", "refusal")]


@sync_and_async
@each_route
def test_a_refusal_goes_to_the_next_for_those_who_want_it(
    directions: Directions, caller: Wire, target: Provider, as_async: bool
) -> None:
    """Before any content, in a stream too; what was refused is paid for all the same."""
    places = (codec(caller).provider, target)
    client = directions.chain(places, as_async=as_async, fallback_on=["content_policy"])
    cells = cells_of(caller, places, REFUSED, patience_s=PATIENCE_S)

    directions.run(client, cells, as_async=as_async)

    assert not_passed(cells) == []
    paid = [cell.heard[0].record.hops[0].usage for cell in cells if cell.fault.name == "refusal"]
    assert all(usage is not None and usage().input_tokens == usage_of(0).input for usage in paid)


@sync_and_async
@each_route
def test_who_goes_on_where_the_other_stopped_completes_the_answer(
    directions: Directions, caller: Wire, target: Provider, as_async: bool
) -> None:
    """Elsewhere on this wall the next target says all of it again; here it says the rest alone."""
    places = (codec(caller).provider, target)
    client = directions.chain(places, as_async=as_async)
    cells = streams(cells_of(caller, places, BROKEN_OFF, then=REST, patience_s=PATIENCE_S))

    directions.run(client, cells, as_async=as_async)

    assert not_passed(cells) == []


@sync_and_async
@each_route
def test_an_answer_that_was_begun_and_cannot_go_on_is_the_primarys_own_error(
    directions: Directions, caller: Wire, target: Provider, as_async: bool
) -> None:
    """The next target is down too: what was said stays said, and no end is made up."""
    places = (codec(caller).provider, target)
    client = directions.chain(places, as_async=as_async)
    cells = streams(cells_of(caller, places, BROKEN_OFF, then=DOWN, patience_s=PATIENCE_S))

    directions.run(client, cells, as_async=as_async)

    assert {(scored(cell).judged.verdict, cell.heard[0].said.text) for cell in cells} == {("safe", BEGUN)}
    assert {partial_of(cell.heard[0].error).text for cell in cells} == {BEGUN}
    assert all(partial_of(cell.heard[0].error).usage for cell in cells)


def partial_of(error: Any) -> Response:
    return error.spaturzu.partial


def streams(cells: list[Cell]) -> list[Cell]:
    return [cell for cell in cells if cell.shape == "stream"]


LIMIT_S = 2.0
SHORT = dict.fromkeys(("first_token_timeout", "idle_timeout"), LIMIT_S)


@sync_and_async
@each_route
def test_a_silent_provider_costs_one_limit_and_no_second(
    directions: Directions, caller: Wire, target: Provider, as_async: bool
) -> None:
    places = (codec(caller).provider, target)
    client = directions.chain(places, as_async=as_async, **SHORT)
    cells = cells_of(caller, places, [WALL[name] for name in SLOW], patience_s=PATIENCE_S)

    directions.run(client, cells, as_async=as_async)

    assert not_passed(cells) == []
    assert all(cell.heard[0].seconds > LIMIT_S * 0.9 for cell in cells)
    assert [_timed_out(cell) for cell in cells] == [1] * len(cells)


def _timed_out(cell: Cell) -> int:
    """How often a limit was waited for."""
    record = cell.heard[0].record
    return sum(hop.attempts for hop in record.hops if hop.kind == "timeout") if record else 0


@pytest.mark.slow
@sync_and_async
def test_a_silent_provider_costs_one_limit_by_default(directions: Directions, as_async: bool) -> None:
    """Twelve seconds to the first word, also for a whole answer, and fifteen between two; a model that thinks gets five
    times as long.
    """
    places: tuple[Provider, Provider] = ("anthropic", "openai")
    client = directions.chain(places, as_async=as_async)
    cells = cells_of("anthropic", places, [WALL[name] for name in SLOW], patience_s=40)

    directions.run(client, cells, as_async=as_async)

    assert not_passed(cells) == []
    took = {(cell.fault.name, cell.shape): cell.heard[0].seconds for cell in cells}
    limits = {
        ("silence", "plain"): 12,
        ("silence", "stream"): 12,
        ("late_first_token", "stream"): 12,
        ("stall", "plain"): 12,
        ("stall", "stream"): 15,
    }
    assert took.keys() == limits.keys()
    assert [took for cell, took in took.items() if not limits[cell] - 0.5 < took < limits[cell] + 3] == []

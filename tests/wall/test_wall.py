"""The wall: every fault, in every direction, sync and async, plain and streamed, at the primary and at a target.

What each has to come to is `spaturzu.sandbox.wall`'s to say, and `spaturzu.testing.verdicts` judges: a whole answer
exactly once or the right native error, an honest model, honest usage.
"""

from __future__ import annotations

import pytest

from spaturzu.sandbox import WALL
from spaturzu.testing.cells import Cell
from spaturzu.testing.drill import cells_of, scored
from spaturzu_translators.directions import DIRECTIONS, Direction

from .directions import Directions, third

PATIENCE_S = 20
each_direction = pytest.mark.parametrize("direction", DIRECTIONS, ids=str)
sync_and_async = pytest.mark.parametrize("as_async", [False, True], ids=["sync", "async"])

SLOW = ("silence", "late_first_token", "stall")
FAULTS = [fault for fault in WALL.values() if fault.name not in SLOW and "malformed" not in fault.name]


def without_resume(cells: list[Cell]) -> list[Cell]:
    return [cell for cell in cells if cell.must != "resume"]


def not_passed(cells: list[Cell]) -> list[str]:
    lines = map(scored, cells)
    return [
        f"{line.fault}, {line.shape}: {line.judged.verdict}, {line.judged.why}\n{line.note}"
        for line in lines
        if line.judged.verdict != "pass"
    ]


@sync_and_async
@each_direction
def test_a_primary_with_any_fault_costs_the_caller_nothing(
    directions: Directions, direction: Direction, as_async: bool
) -> None:
    places = (direction.primary, direction.target)
    client = directions.chain(places, as_async=as_async)
    cells = without_resume(cells_of(direction.primary, places, FAULTS, patience_s=PATIENCE_S))

    directions.run(client, cells, as_async=as_async)

    assert not_passed(cells) == []


@sync_and_async
@each_direction
def test_a_target_with_any_fault_is_left_for_the_next(
    directions: Directions, direction: Direction, as_async: bool
) -> None:
    """The primary is down, and its first target has the fault."""
    places = (direction.primary, direction.target, third(direction.primary, direction.target))
    client = directions.chain(places, as_async=as_async)
    cells = without_resume(cells_of(direction.primary, places, FAULTS, at=1, patience_s=PATIENCE_S))

    directions.run(client, cells, as_async=as_async)

    assert not_passed(cells) == []

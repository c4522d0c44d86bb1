"""A plain call's objects go when it is over: what only the collector frees keeps prompts and answers until then.

The SDKs' streams hold their own generators, and with those ours.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from spaturzu.router.call import Call
from spaturzu.router.hop import CallRecord, Hop
from spaturzu.router.watch import Watch
from spaturzu.sandbox import Status
from spaturzu_translators.messages import Provider

from .chains import House, each_primary, other, sync_and_async

OF_A_CALL = (Call, CallRecord, Hop, Watch)


@contextmanager
def _uncollected() -> Iterator[list[str]]:
    """The parts of calls that the block leaves to the collector; clients of earlier tests are none."""
    found = list[str]()
    gc.collect()
    gc.disable()
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        yield found
        gc.collect()
        found += [type(one).__qualname__ for one in gc.garbage if type(one) in OF_A_CALL]
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()


@pytest.mark.parametrize("down", [False, True], ids=["primary", "target"])
@sync_and_async
@each_primary
def test_a_call_leaves_nothing_to_the_collector(house: House, primary: Provider, as_async: bool, down: bool) -> None:
    if down:
        house.answers(Status(503, times=None), primary)
    client = house.chain(primary, other(primary), as_async=as_async)
    house.call(primary, client, as_async=as_async)

    with _uncollected() as left:
        for _ in range(3):
            house.call(primary, client, as_async=as_async)

    assert left == []

"""Ids: of version 7 and 4, sorted by time, and never the same in two processes."""

from __future__ import annotations

import os
import random
import uuid

import pytest

from spaturzu.attribution import uuid4, uuid7


def test_ids_are_uuids_of_their_version() -> None:
    assert uuid.UUID(uuid7()).version == 7
    assert uuid.UUID(uuid4()).version == 4
    assert uuid.UUID(uuid7()).variant == uuid.UUID(uuid4()).variant == uuid.RFC_4122


def test_ids_of_version_7_sort_by_time() -> None:
    assert uuid7(1_000.0) < uuid7(1_000.002) < uuid7(2_000.0)


def test_seeding_pythons_own_generator_repeats_no_id() -> None:
    made = []
    for _ in range(2):
        random.seed(7)
        made += [uuid7(1.0), uuid4()]
    assert len(set(made)) == 4


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_forked_process_makes_other_ids() -> None:
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writing, (uuid7(1.0) + uuid4()).encode())
        os._exit(0)
    os.waitpid(child, 0)

    assert os.read(reading, 200).decode() != uuid7(1.0) + uuid4()

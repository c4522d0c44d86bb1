"""A journal's page: a file that holds its entries as they are put, whatever becomes of the process."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from spaturzu.ledger.journal import CHUNK, Draft, Page, new_pages, orphans

LONG = "x" * 1000


@pytest.fixture
def page(tmp_path: Path) -> Iterator[Page]:
    one, other = new_pages(tmp_path)
    yield one
    one.close()
    other.close()


def on_disk(page: Page) -> list[Draft]:
    return [draft for draft, _ in page.others([])]


def test_what_is_written_is_on_the_page_until_it_is_cleared(page: Page) -> None:
    assert page.write({"id": "1", "text": LONG})
    assert page.write({"id": "2"})
    assert on_disk(page) == [{"id": "1", "text": LONG}, {"id": "2"}]
    page.clear()
    assert on_disk(page) == []


def test_shorter_entries_over_longer_ones_leave_nothing_of_them(page: Page) -> None:
    for number in range(3):
        page.write({"id": str(number), "text": LONG})
    page.clear()
    page.write({"id": "new"})
    assert on_disk(page) == [{"id": "new"}]


def test_an_entry_as_long_as_an_older_one_ends_before_the_next_old_one(page: Page) -> None:
    for letter in "ab":
        page.write({"id": letter})
    page.clear()
    page.write({"id": "c"})
    assert on_disk(page) == [{"id": "c"}]


@pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="this system reserves by writing")
def test_all_of_a_page_has_room_on_the_disk(page: Page) -> None:
    """A file that was merely made longer is a hole, which costs no block."""
    assert page.path is not None
    assert page.path.stat().st_blocks * 512 >= CHUNK


def test_a_page_grows_and_shrinks_again(page: Page) -> None:
    assert page.path is not None
    drafts = [{"id": str(number), "text": LONG} for number in range(2 * CHUNK // len(LONG))]
    assert all(page.write(draft) for draft in drafts)
    assert on_disk(page) == drafts
    assert page.path.stat().st_size > 2 * CHUNK
    page.clear()
    assert page.path.stat().st_size == CHUNK
    assert page.write({"id": "after"})
    assert on_disk(page) == [{"id": "after"}]


def test_an_entry_that_was_cut_off_is_none_and_those_before_it_stay(page: Page) -> None:
    """The first byte of an entry is stored last: what a killed process had not got to is not there."""
    assert page.path is not None
    page.write({"id": "whole"})
    with page.path.open("r+b") as file:
        end = file.read().index(b"\0" * 16)
        file.seek(end + 1)
        file.write(b"half of an entry")
    assert on_disk(page) == [{"id": "whole"}]


def test_what_json_does_not_have_is_not_written(page: Page) -> None:
    assert not page.write({"id": "1", "odd": object()})
    assert on_disk(page) == []


def test_a_page_without_a_file_writes_nothing() -> None:
    assert not Page().write({"id": "1"})


def test_a_disk_without_room_is_told_and_does_not_end_the_process(tmp_path: Path) -> None:
    """A store into a mapped hole that the disk has no block for would: so the room is reserved before."""
    program = f"""
import resource
from pathlib import Path
from spaturzu.ledger.journal import CHUNK, new_pages
page, _ = new_pages(Path({str(tmp_path)!r}))
resource.setrlimit(resource.RLIMIT_FSIZE, (CHUNK, CHUNK))
written = [page.write({{"id": str(n), "text": "x" * 1000}}) for n in range(2 * CHUNK // 1000)]
print(written.index(False), any(written[written.index(False):]), len(list(page.others([]))))
"""
    pytest.importorskip("resource")
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, env=os.environ)
    assert ran.returncode == 0, ran.stderr
    first, later, kept = ran.stdout.split()
    assert later == "False"
    assert int(first) == int(kept) > 200


def test_a_dead_process_leaves_its_pages_to_the_next(tmp_path: Path) -> None:
    program = f"""
import os
from pathlib import Path
from spaturzu.ledger.journal import new_pages
page, _ = new_pages(Path({str(tmp_path)!r}))
page.write({{"id": "left"}})
os.kill(os.getpid(), 9)
"""
    subprocess.run([sys.executable, "-c", program], capture_output=True, timeout=60, env=os.environ)
    found = {path.suffix: list(drafts) for path, drafts in orphans(tmp_path)}
    assert found == {".a": [{"id": "left"}], ".b": []}

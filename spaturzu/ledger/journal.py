"""What is not in the store yet, on disk before its call returns: a process that is killed leaves it to the next.

A journal is two pages, files that are appended to in turn. While the store takes in one page's entries, calls write
to the other; a page is emptied once the store has all of it. A page without a file is memory alone, where no disk
will have it. Each process has a journal of its own, locked as long as it lives: one that can be locked is an orphan,
and whoever finds it adopts it.
"""

from __future__ import annotations

import marshal
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias

from .locks import locked

Draft: TypeAlias = dict[str, Any]
"""The fields of a Record in the types of JSON, before its usage is read and priced."""

_FORMAT = 4
"""Of marshal: every CPython since 3.4 reads it. It takes a quarter of the time of JSON, on the caller's path."""


class Page:
    """One file, and the entries that were put on it since it was emptied. `write` is safe from any thread.

    `items` are those that are in memory too, `spilled` counts the others, `writers` those who write just now.
    """

    __slots__ = ("_file", "items", "path", "spilled", "writers")

    def __init__(self, path: Path | None = None, file: int | None = None) -> None:
        self.path, self._file = path, file
        self.items: list[tuple[Draft, Any]] = []
        self.spilled = self.writers = 0

    def write(self, draft: Draft) -> None:
        """Append it: a few microseconds, and safe from a kill of this process, though not of the machine.

        Raises OSError where there is no file, ValueError where the draft has more than JSON has.
        """
        if self._file is None:
            raise OSError("this page is memory alone")
        os.write(self._file, marshal.dumps(draft, _FORMAT))

    def take(self) -> tuple[list[tuple[Draft, Any]], int]:
        """What is in memory, and how many more the file has."""
        items, spilled = self.items, self.spilled
        self.items, self.spilled = [], 0
        return items, spilled

    def others(self, items: Sequence[tuple[Draft, Any]]) -> Iterator[tuple[Draft, None]]:
        """The entries that the file alone has."""
        assert self.path is not None  # noqa: S101 - without a file nothing spills
        known = {draft["id"] for draft, _ in items}
        with self.path.open("rb") as file:
            for draft in _read(file):
                if draft["id"] not in known:
                    yield draft, None

    def clear(self) -> None:
        """The store has it all."""
        if self._file is not None:
            os.ftruncate(self._file, 0)

    def close(self, *, empty: bool = False) -> None:
        """Let go of the file, and of its lock. If there is nothing on it, it goes altogether."""
        if self._file is None:
            return
        if empty and self.path is not None:
            self.path.unlink(missing_ok=True)
        file, self._file = self._file, None
        os.close(file)


def new_pages(folder: Path) -> tuple[Page, Page]:
    """A journal of this process's own in `folder`. Raises OSError where there can be none."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    name = f"{os.getpid()}-{os.urandom(4).hex()}"
    return _opened(folder / f"{name}.a"), _opened(folder / f"{name}.b")


def _opened(path: Path) -> Page:
    """Locked before it has the name that others look for: nobody adopts a page that is just being made."""
    new = path.with_suffix(path.suffix + ".new")
    file = os.open(new, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_APPEND, 0o600)
    locked(file)
    new.rename(path)
    return Page(path, file)


def orphans(folder: Path) -> Iterator[tuple[Path, Iterator[Draft]]]:
    """The pages of processes that are dead, and what they hold. `path.unlink()` once it is in the store."""
    for path in sorted(folder.glob("*.[ab]")):
        try:
            file = path.open("r+b")
        except OSError:
            continue  # another process adopted it just now, or it is another user's
        with file:
            if locked(file.fileno()) and path.exists():
                yield path, _read(file)


def _read(file: BinaryIO) -> Iterator[Draft]:
    """Its whole entries: the last may have been cut off by the end of its process."""
    while True:
        try:
            yield marshal.load(file)  # noqa: S302 - a folder that only this user may write
        except (EOFError, ValueError, TypeError):
            return

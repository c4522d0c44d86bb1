"""What is not in the store yet, on disk before its call returns: a process that is killed leaves it to the next.

A journal is two pages, mapped files that are appended to in turn. While the store takes in one page's entries, calls
write to the other; a page is emptied once the store has all of it. A page without a file is memory alone, where no disk
will have it. Each process has a journal of its own, locked as long as it lives: one that can be locked is an orphan,
and whoever finds it adopts it.
"""

from __future__ import annotations

import marshal
import os
from collections.abc import Iterator, Sequence
from mmap import mmap
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias

from .locks import locked

Draft: TypeAlias = dict[str, Any]
"""The fields of a Record in the types of JSON, before its usage is read and priced."""

_FORMAT = 4
"""Of marshal: every CPython since 3.4 reads it. It takes a quarter of the time of JSON, on the caller's path."""


CHUNK = 256 * 1024
"""Bytes that a page begins with, and grows by."""
_END = b"\0"
"""Behind the last entry: no entry begins with it."""


class Page:
    """One file, mapped into memory, and the entries that were put on it since it was emptied. Callers take turns.

    `items` are those that are in memory too, `spilled` counts the others.
    """

    __slots__ = ("_end", "_file", "_mapped", "items", "path", "spilled")

    def __init__(self, path: Path | None = None, file: int | None = None) -> None:
        """`file` is that of `path`, open for reading and writing. Raises OSError where it cannot be mapped."""
        self.path, self._file = path, file
        self._mapped: mmap | None = None if file is None else _mapped(file, CHUNK)
        self._end = 0
        self.items: list[tuple[Draft, Any]] = []
        self.spilled = 0

    def write(self, draft: Draft) -> bool:
        """Append it: a microsecond and no system call, safe from a kill of this process, though not of the machine.

        False where there is no file, no room on the disk, or where the draft has more than JSON has.
        """
        try:
            entry = marshal.dumps(draft, _FORMAT)
            end = self._end + len(entry)
            mapped = self._mapped
            if mapped is None or end >= len(mapped):
                mapped = self._grown(end + 1)
        except (OSError, TypeError, ValueError):
            return False
        mapped[self._end + 1 : end + 1] = entry[1:] + _END
        mapped[self._end] = entry[0]  # last: until then whoever reads finds the end here
        self._end = end
        return True

    def _grown(self, size: int) -> mmap:
        if self._file is None or self._mapped is None:
            raise OSError("this page is memory alone")
        larger = _mapped(self._file, -(-size // CHUNK) * CHUNK)
        self._mapped.close()
        self._mapped = larger
        return larger

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
        if self._mapped is None or self._file is None:
            return
        self._mapped[0], self._end = 0, 0
        if len(self._mapped) > CHUNK:
            self._mapped.close()
            os.ftruncate(self._file, CHUNK)
            self._mapped = mmap(self._file, CHUNK)

    def close(self, *, empty: bool = False) -> None:
        """Let go of the file, and of its lock. If there is nothing on it, it goes altogether."""
        if self._file is None or self._mapped is None:
            return
        if empty and self.path is not None:
            self.path.unlink(missing_ok=True)
        self._mapped.close()
        file, self._file, self._mapped = self._file, None, None
        os.close(file)


def _mapped(file: int, size: int) -> mmap:
    """With room on the disk for all of it: a store into a mapped hole of a full disk would end the process."""
    reserve(file, size)
    return mmap(file, size)


if hasattr(os, "posix_fallocate"):

    def reserve(file: int, size: int) -> None:
        """Make a file `size` bytes long. Raises OSError where the disk has no room."""
        os.posix_fallocate(file, 0, size)

else:

    def reserve(file: int, size: int) -> None:
        """Make a file `size` bytes long. Raises OSError where the disk has no room."""
        os.lseek(file, 0, os.SEEK_END)
        os.write(file, bytes(size - os.fstat(file).st_size))


def new_pages(folder: Path) -> tuple[Page, Page]:
    """A journal of this process's own in `folder`. Raises OSError where there can be none."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    name = f"{os.getpid()}-{os.urandom(4).hex()}"
    return _opened(folder / f"{name}.a"), _opened(folder / f"{name}.b")


def _opened(path: Path) -> Page:
    """Locked before it has the name that others look for: nobody adopts a page that is just being made."""
    new = path.with_suffix(path.suffix + ".new")
    file = os.open(new, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
    locked(file)
    try:
        page = Page(path, file)
    except OSError:
        os.close(file)
        new.unlink()
        raise
    new.rename(path)
    return page


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

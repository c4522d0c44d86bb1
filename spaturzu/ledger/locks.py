"""A lock on an open file that lasts as long as its process."""

from __future__ import annotations

import sys

if sys.platform == "win32":
    import msvcrt

    def locked(file: int) -> bool:
        """Try to lock it: False where another process has it."""
        try:
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def locked(file: int) -> bool:
        """Try to lock it: False where another process has it."""
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True

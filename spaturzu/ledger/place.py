"""Where the embedded ledger is: `SPATURZU_DB`, else a file in the user's data directory."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from spaturzu.errors import LedgerError

FILE_NAME = "ledger.sqlite3"


def default_path() -> Path:
    """The ledger's file, which need not exist. Raises LedgerError where the user has no home."""
    named = os.environ.get("SPATURZU_DB")
    return Path(named).expanduser() if named else _data_directory() / "spaturzu" / FILE_NAME


def _data_directory() -> Path:
    """The user's, as the system has it: the XDG base directories, Application Support, or the local AppData."""
    if sys.platform == "win32" and (local := os.environ.get("LOCALAPPDATA")):
        return Path(local)
    xdg = Path(os.environ.get("XDG_DATA_HOME", ""))
    if sys.platform != "darwin" and xdg.is_absolute():
        return xdg
    try:
        home = Path.home()
    except RuntimeError as error:
        raise LedgerError(
            "spaturzu: no place for the ledger, this user has no home directory; set SPATURZU_DB to a file's path"
        ) from error
    parts = {"darwin": ("Library", "Application Support"), "win32": ("AppData", "Local")}
    return home.joinpath(*parts.get(sys.platform, (".local", "share")))

"""Where the embedded ledger is: `SPATURZU_DB`, else in the user's data directory, else among temporary files."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

FILE_NAME = "ledger.sqlite3"


def default_path() -> Path:
    """The ledger's file, which need not exist. Where the data directory cannot be written, as in AWS Lambda, a folder
    for temporary files has it: whoever writes it and whoever reads it find the same one.
    """
    named = os.environ.get("SPATURZU_DB")
    if named:
        return Path(named).expanduser()
    folder = _data_directory()
    if folder is None or not _may_be_written(folder):
        return _temporary() / FILE_NAME
    return folder / FILE_NAME


def _data_directory() -> Path | None:
    """The user's, as the system has it: XDG's base directories, Application Support, or the local AppData.

    None for a user without a home.
    """
    if sys.platform == "win32" and (local := os.environ.get("LOCALAPPDATA")):
        return Path(local, "spaturzu")
    xdg = Path(os.environ.get("XDG_DATA_HOME", ""))
    if sys.platform != "darwin" and xdg.is_absolute():
        return xdg / "spaturzu"
    parts = {"darwin": ("Library", "Application Support"), "win32": ("AppData", "Local")}
    try:
        return Path.home().joinpath(*parts.get(sys.platform, (".local", "share")), "spaturzu")
    except RuntimeError:
        return None


def _may_be_written(folder: Path) -> bool:
    """The folder, or where it would be made."""
    nearest = next((parent for parent in (folder, *folder.parents) if parent.exists()), folder)
    return nearest.is_dir() and os.access(nearest, os.W_OK | os.X_OK)


def _temporary() -> Path:
    """This user's, the same for its next process; one of this process alone where somebody else made that."""
    user = os.getuid() if hasattr(os, "getuid") else os.environ.get("USERNAME", "")
    folder = Path(tempfile.gettempdir()) / f"spaturzu-{user}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if hasattr(os, "getuid") and folder.stat().st_uid != os.getuid():
        return Path(tempfile.mkdtemp(prefix="spaturzu-"))
    return folder

"""`spaturzu doctor --fetch-tokenizer`: tiktoken's data, from where tiktoken has it, else out of a package."""

from __future__ import annotations

import gzip
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from spaturzu.pricing.tokens import CACHED_AS, cache_folder, is_cached

from .findings import installed

PACKAGE, MEMBER = "bpe-openai==0.1.4", "data/o200k_base.tiktoken.gz"
"""Carries the file unchanged (MIT; 41 MB; its hash was compared with tiktoken's on 2026-11-22)."""
DIRECT_S, PACKAGE_S = 60, 600


class NotFetched(Exception):
    """The message says why, and what else to do."""


def fetch() -> Path:
    """Put it into tiktoken's cache, where its hash is checked. Gives the folder. Raises NotFetched."""
    if installed("tiktoken") is None:
        raise NotFetched("tiktoken is not installed: pip install 'spaturzu[tiktoken]'")
    if not (is_cached() or _directly() or _from_package()):
        raise NotFetched(
            f"neither tiktoken's own address nor the package {PACKAGE} can be had here; on a machine that has the "
            f"file, copy {CACHED_AS} from tiktoken's cache to {cache_folder()}, or set TIKTOKEN_CACHE_DIR"
        )
    return cache_folder()


def _directly() -> bool:
    """As tiktoken itself does, which knows no timeout: in a process that does."""
    return _ran("import tiktoken; tiktoken.get_encoding('o200k_base')", DIRECT_S) and is_cached()


def _ran(code: str, timeout_s: float) -> bool:
    return _succeeded(["-c", code], timeout_s)


def _succeeded(arguments: list[str], timeout_s: float) -> bool:
    try:
        done = subprocess.run([sys.executable, *arguments], capture_output=True, timeout=timeout_s, check=False)  # noqa: S603 - our own arguments
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def _from_package() -> bool:
    """Through pip, which knows the mirrors of this place. Nothing is installed."""
    with tempfile.TemporaryDirectory() as folder:
        if not _succeeded(["-m", "pip", "download", "--no-deps", "--dest", folder, PACKAGE], PACKAGE_S):
            return False
        for wheel in Path(folder).glob("*.whl"):
            _unpack(wheel)
    return is_cached()


def _unpack(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            if name.endswith(MEMBER):
                cache_folder().mkdir(parents=True, exist_ok=True)
                (cache_folder() / CACHED_AS).write_bytes(gzip.decompress(archive.read(name)))

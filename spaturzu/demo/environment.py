"""The demo's surroundings: what a developer's shell says to the SDKs must not lead them away from the sandbox."""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import contextmanager

FOREIGN = ("OPENAI_", "AZURE_", "ANTHROPIC_", "AWS_", "GOOGLE_", "GEMINI_", "MISTRAL_", "HTTP_", "HTTPS_", "ALL_")
"""Beginnings of the variables that SDKs read: keys, addresses, profiles, proxies."""

NO_FILES = {
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
    "SPATURZU_METERING": "off",
}


@contextmanager
def untouched_by_the_shell() -> Generator[None]:
    """Within the block, the SDKs know what they are told as arguments and nothing else."""
    before = dict(os.environ)
    for name in before:
        if name.upper().startswith(FOREIGN):
            del os.environ[name]
    os.environ.update(NO_FILES)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)

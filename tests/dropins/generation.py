"""What differs between the SDK generations that these tests run on: today's, and the one before (the legacy lane)."""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import version
from typing import Any

LEGACY = int(version("openai").partition(".")[0]) < 3
"""openai 2, anthropic 0, google-genai 2, mistralai 2, boto3 1.43; a lane never mixes them."""

HTTP: Any = import_module("httpx" if LEGACY else "httpx2")
"""The HTTP library of the four SDKs that have one."""

WHOLE_HISTORY: dict[str, Any] = {} if LEGACY else {"thread": False}
"""What makes anthropic's tool runner send the whole conversation each time: today's keeps it at the provider."""

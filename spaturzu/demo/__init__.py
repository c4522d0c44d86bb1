"""`spaturzu demo`: an outage, live, and then all twenty directions, through the real SDKs over real sockets."""

from __future__ import annotations

from importlib.util import find_spec

PACKAGES = {
    "openai": "openai",
    "anthropic": "anthropic",
    "google.genai": "google-genai",
    "mistralai": "mistralai",
    "boto3": "boto3",
}
"""Each SDK's module, and the name it is installed by."""


def advice_on_missing_sdks() -> str | None:
    """Which SDKs are not installed, and how to install them; None where none is missing."""
    missing = [package for module, package in PACKAGES.items() if not _installed(module)]
    if not missing:
        return None
    return f"the demo calls all five SDKs, and {', '.join(missing)} cannot be found: pip install 'spaturzu[all]'"


def _installed(module: str) -> bool:
    parent, _, child = module.rpartition(".")
    return (not parent or find_spec(parent) is not None) and find_spec(module if child else parent) is not None

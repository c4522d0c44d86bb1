"""The plugin's own fixtures, for when the package is not installed and its entry point is not loaded."""

from __future__ import annotations

from spaturzu.sandbox.pytest_plugin import offline, outage

__all__ = ["offline", "outage"]

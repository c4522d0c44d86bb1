"""The plugin's own fixture, for when the package is not installed and its entry point is not loaded."""

from __future__ import annotations

from spaturzu.sandbox.pytest_plugin import sandbox

__all__ = ["sandbox"]

"""This version, for whoever may not import the package's root."""

from __future__ import annotations

VERSION = "0.2.0"

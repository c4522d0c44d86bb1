"""JSON Schema between dialects. Each function says what it changed, so that a codec can report it."""

from __future__ import annotations

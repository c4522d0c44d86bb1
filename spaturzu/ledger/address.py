"""A gateway's address, and how patiently it is spoken to."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where records are sent, and how patiently. `timeout_s` is for an attempt; `backoff_ms` has a wait per retry."""

    base_url: str
    api_key: str | None = None
    timeout_s: float = 10.0
    backoff_ms: tuple[float, ...] = (1000, 2000, 4000, 8000, 16000)
    max_concurrent: int = 50

    @property
    def name(self) -> str:
        """Gateway and project, without the secret: what waits for one never goes to another."""
        return f"{self.base_url}#{hashlib.sha256((self.api_key or '').encode()).hexdigest()[:16]}"

    @property
    def slug(self) -> str:
        """The name, as a part of a file's name."""
        return hashlib.sha256(self.name.encode()).hexdigest()[:16]

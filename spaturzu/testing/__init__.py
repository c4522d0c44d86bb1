"""Outages on demand for your own clients, without the network: `with outage("openai", status=503): ...`.

What holds, holds for every spaturzu client of the process, in all its threads and tasks, until the block ends. Requests
go to a local server that answers as the provider would; no key leaves.
"""

from __future__ import annotations

from .drill import Scored, drill
from .outages import offline, outage

__all__ = ["Scored", "drill", "offline", "outage"]

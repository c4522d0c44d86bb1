"""What surrounds each hop, one generator per concern: it may deny before the hop's first request, and sees its end.

A concern is a `Middleware` of `router.chain`. It decides without I/O: what it knows comes from a cache, and what it
has to say leaves through a queue.
"""

from __future__ import annotations

from spaturzu.router.chain import Middleware

__all__ = ["Middleware"]

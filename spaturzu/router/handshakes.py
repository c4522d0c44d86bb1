"""What a cancelled task would leave of a connection.

httpcore closes the socket of a TLS handshake that fails, but not of one that is cancelled: an SDK alone loses an open
file each time (httpcore 1.0.9, httpcore2 2.16.2 [S], seen 2026-11-25).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


async def let_go_of_handshake(error: BaseException) -> None:
    """Close the connection whose handshake `error` ended, if it did."""
    close = _closing(error)
    if close is None:
        return
    from anyio import CancelScope

    with CancelScope(shield=True):
        await close()


def _closing(error: BaseException) -> Callable[[], Any] | None:
    """Found where the error went through, whatever SDK brought it there."""
    at = error.__traceback__
    while at is not None:
        if at.tb_frame.f_code.co_name == "start_tls":
            return getattr(at.tb_frame.f_locals.get("self"), "aclose", None)
        at = at.tb_next
    return None

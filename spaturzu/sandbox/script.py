"""Which step is next. Free of I/O, locks and clocks: the wire has those."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from .faults import Held, Outage, Refused, Step
from .replies import Reply


@dataclass(slots=True, eq=False)
class Turn:
    """A step in the script: how often it still answers (None: always), and until when, once that is known.

    `met` counts the requests that an outage has met.
    """

    step: Step
    left: int | None
    until: float | None = None
    met: int = 0


class Script:
    """Steps that are used up, in order, and then a default."""

    def __init__(self) -> None:
        self.reply = Reply()
        """The default reply; it stays known while the default is a fault."""
        self._turns: deque[Turn] = deque()
        self._default = Turn(self.reply, None)

    def set_default(self, step: Step) -> None:
        """What comes when the queue is empty."""
        self._default = Turn(step, None)
        self.reply = step if isinstance(step, Reply) else self.reply

    def append(self, step: Step) -> None:
        """Queue a step."""
        self._turns.append(Turn(step, _times(step)))

    @property
    def next(self) -> Turn:
        """Whose turn it is."""
        return self._turns[0] if self._turns else self._default

    def take(self, now: float) -> Step:
        """The step that answers a request now."""
        turn = self.next
        if isinstance(turn.step, Outage):
            turn.until = turn.until or now + turn.step.seconds
            if now >= turn.until:
                self.drop(turn)
                return self.take(now)
            turn.met += 1
            return turn.step if turn.met % turn.step.every == 1 % turn.step.every else self.reply
        if turn.left is not None:
            turn.left -= 1
            if turn.left <= 0:
                self.drop(turn)
        return turn.step

    def drop(self, turn: Turn) -> None:
        """`turn` is over; a default makes way for the default reply."""
        if turn is self._default:
            self._default = Turn(self.reply, None)
        elif self._turns and self._turns[0] is turn:
            self._turns.popleft()


def _times(step: Step) -> int | None:
    match step:
        case Reply():
            return 1
        case Outage() | Refused():
            return None
        case Held():
            return _times(step.step)
        case _:
            return step.times

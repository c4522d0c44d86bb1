"""The errors that spaturzu itself raises. A provider's errors stay the provider's own classes.

SpaturzuError
  ConfigError (a ValueError)   options that cannot work, found at construction
  BudgetExceededError          a budget denies the call before it reaches a provider
  HttpError                    the gateway refused a record
  LedgerError                  the embedded ledger's file cannot be read or written
"""

from __future__ import annotations


class SpaturzuError(Exception):
    """The base of all of them."""


class ConfigError(SpaturzuError, ValueError):
    """Options that cannot work. The message names the key, the value and the remedy."""


class HttpError(SpaturzuError):
    """The gateway answered a record with an error. `.status` is the HTTP status."""

    def __init__(self, message: str, *, status: int) -> None:
        super().__init__(message)
        self.status = status


class LedgerError(SpaturzuError):
    """The embedded ledger's file cannot be used. The message names the file, what is wrong and the remedy."""


class BudgetExceededError(SpaturzuError):
    """A hard cap is reached: the call did not reach the provider.

    `scope` project | agent, `period` daily | monthly; costs are decimal strings in US dollars.
    """

    code = "budget_exceeded"

    def __init__(
        self, *, scope: str, period: str, limit_cost: str, current_cost: str, agent_name: str | None = None
    ) -> None:
        self.scope, self.period, self.agent_name = scope, period, agent_name
        self.limit_cost, self.current_cost = limit_cost, current_cost
        whose = f" for agent '{agent_name}'" if agent_name else ""
        super().__init__(f"spaturzu: {scope}/{period} budget exceeded ({current_cost} >= {limit_cost}){whose}")

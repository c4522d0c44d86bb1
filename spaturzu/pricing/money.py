"""Whole nanodollars at the two protocols' edges. One rule: half to even."""

from __future__ import annotations


def round_half_even(amount: int, unit: int) -> int:
    """How many whole `unit`s are in `amount` (not negative); of two equally near, the even one."""
    whole, rest = divmod(amount, unit)
    return whole + (2 * rest > unit or (2 * rest == unit and whole % 2 == 1))


def microdollars(nanodollars: int) -> int:
    """As NullSpend's wire has it."""
    return round_half_even(nanodollars, 1000)


def dollars(nanodollars: int) -> str:
    """A decimal string with ten places, as spaturzu's wire has it: "0.0004350000"."""
    whole, rest = divmod(nanodollars, 10**9)
    return f"{whole}.{rest:09d}0"

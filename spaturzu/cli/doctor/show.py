"""The findings, printed."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict

from rich.table import Table
from rich.text import Text

from ..report import console
from .findings import Finding, State

MARKS: dict[State, tuple[str, str]] = {
    "ok": ("ok", "green"),
    "note": ("-", "dim"),
    "warning": ("warning", "yellow"),
    "problem": ("PROBLEM", "bold red"),
}


def show(findings: list[Finding], *, as_json: bool) -> None:
    """One line each."""
    if as_json:
        sys.stdout.write(json.dumps([asdict(finding) for finding in findings], indent=2) + "\n")
        return
    table = Table(box=None, show_header=False, pad_edge=False)
    for finding in findings:
        mark, style = MARKS[finding.state]
        table.add_row(Text(mark, style=style), finding.subject, Text(finding.said, overflow="fold"))
    console().print(table)

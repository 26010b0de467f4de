"""What a check finds, and where."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from afterbay.core.errors import Problem

__all__ = ["Finding", "Findings", "Severity"]

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong or doubtful in a grid."""

    node: str
    """Name of the grid, transformer or house that it is about."""
    severity: Severity
    """An error blocks a run; with a warning a run means less than it could."""
    problem: Problem

    def __str__(self) -> str:
        return f"{self.severity}: {self.problem}"

    def to_dict(self) -> dict[str, str]:
        """Return the parts by name, for machine-readable output."""
        return {"node": self.node, "severity": self.severity, **self.problem.to_dict()}


class Findings:
    """Collects findings, so that a user sees all of them at once."""

    def __init__(self) -> None:
        self._found: list[Finding] = []

    def error(self, node: str, field: str, got: object, allowed: str, next_move: str) -> None:
        """Note what blocks a run; `got` is shown as Python shows it unless it is text already."""
        self._add(node, "error", field, got, allowed, next_move)

    def warn(self, node: str, field: str, got: object, allowed: str, next_move: str) -> None:
        """Note what makes a run mean less than it could."""
        self._add(node, "warning", field, got, allowed, next_move)

    @property
    def found(self) -> tuple[Finding, ...]:
        """Errors first, each in the order in which they were noted."""
        return tuple(sorted(self._found, key=lambda finding: finding.severity != "error"))

    def _add(self, node: str, severity: Severity, field: str, got: object, allowed: str, next_move: str) -> None:
        where = f"{node}.{field}" if field else node
        shown = got if isinstance(got, str) else repr(got)
        self._found.append(Finding(node, severity, Problem(where, shown, allowed, next_move)))

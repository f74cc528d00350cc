"""What can go wrong at the terminal.

CliError          said in one sentence, with what to do; exit status 1
 ├─ UsageError    the command line asks for something that makes no sense; exit status 2
 ├─ NoNodeError   the node of this home does not answer
 └─ RefusedError  the node refuses
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

__all__ = ["CliError", "NoNodeError", "RefusedError", "UsageError", "problem_lines"]


class CliError(Exception):
    """Base: a command cannot do what it was asked to.

    Args:
        message: one sentence saying what happened and where.
        hint: what the person at the terminal can do about it.
    """

    status: ClassVar[int] = 1

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def lines(self) -> list[str]:
        """What is printed."""
        return [f"Error: {self.message}", *(self.hint.split("\n") if self.hint else [])]


class UsageError(CliError):
    """The options do not go together, or a value is not of the form that is needed."""

    status = 2


class NoNodeError(CliError):
    """There is no node, or it does not answer."""


class RefusedError(CliError):
    """The node has understood and refuses.

    Args:
        message: of the node.
        hint: of the node.
        problems: of a file, each with `file`, `place`, `message` and perhaps `hint`.
    """

    def __init__(
        self,
        message: str,
        *,
        hint: str | None = None,
        problems: Sequence[Mapping[str, Any]] = (),
    ) -> None:
        super().__init__(message, hint=hint)
        self.problems = problems

    def lines(self) -> list[str]:
        """Every problem on lines of its own, where there are several."""
        if len(self.problems) < 2:
            return super().lines()
        return [f"Error: {len(self.problems)} problems:", *problem_lines(self.problems)]


def problem_lines(problems: Sequence[Mapping[str, Any]]) -> list[str]:
    """Each problem in a line, what helps below it."""
    lines: list[str] = []
    for problem in problems:
        where = ", ".join(filter(None, (problem.get("file"), problem.get("place"))))
        lines.append(f"  {where}: {problem['message']}" if where else f"  {problem['message']}")
        if problem.get("hint"):
            lines.append(f"    {problem['hint']}")
    return lines

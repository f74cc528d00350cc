"""What the doctor says of one thing."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Check", "Result", "ok", "problem", "warning"]


class Result(StrEnum):
    """How it stands with one thing."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True)
class Check:
    """One thing that was looked at.

    Attributes:
        name: what.
        result: how it stands.
        message: one sentence.
        hint: what to do; of everything that is not ok.
    """

    name: str
    result: Result
    message: str
    hint: str | None = None


def ok(name: str, message: str) -> Check:
    """Nothing to do."""
    return Check(name, Result.OK, message)


def warning(name: str, message: str, hint: str) -> Check:
    """It works, and should be looked at."""
    return Check(name, Result.WARNING, message, hint)


def problem(name: str, message: str, hint: str) -> Check:
    """It does not work."""
    return Check(name, Result.PROBLEM, message, hint)

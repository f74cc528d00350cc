"""Why something cannot be published: every reason with its place, for the person who wrote it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from underseal_node.errors import RefusedError
from underseal_protocol.errors import Violation

__all__ = ["FileRefusedError", "Problem", "problem_of"]

SHOWN_CHARACTERS = 80


@dataclass(frozen=True)
class Problem:
    """One reason.

    Attributes:
        place: where in the file: a JSON pointer, or row and column; empty for the file itself.
        message: one sentence.
        hint: what usually helps.
    """

    place: str
    message: str
    hint: str | None = None


class FileRefusedError(RefusedError):
    """A file is refused, and nothing of it was published.

    Args:
        file: its name.
        problems: all of them, at least one.
    """

    def __init__(self, file: str, problems: Sequence[Problem]) -> None:
        first = problems[0]
        where = f"{file}, {first.place}" if first.place else file
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        super().__init__(f"{where}: {first.message}{more}", hint=first.hint)
        self.file = file
        self.problems = tuple(problems)


def problem_of(violation: Violation, place: str) -> Problem:
    """A violation of the schema as a problem.

    Args:
        violation: as `schema_violations` found it.
        place: of the value in its file.
    """
    if violation.value is None:
        return Problem(place, f"expected {violation.expected}", violation.hint)
    shown = repr(violation.value)
    if len(shown) > SHOWN_CHARACTERS:
        shown = shown[:SHOWN_CHARACTERS] + "..."
    return Problem(place, f"{shown} is there, expected {violation.expected}", violation.hint)
